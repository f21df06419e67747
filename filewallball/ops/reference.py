"""The tables of the reference in docs/, written from the code they describe (`filewallball reference FILE…`)."""

import re
from collections.abc import Callable, Iterator
from functools import partial

from flask import Flask

from filewallball.errors import catalogue
from filewallball.observability.contract import CONTRACT
from filewallball.ops.alert_rules import rules
from filewallball.permissions import ROLES
from filewallball.settings.loading import documented, load_settings

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_STATIC = "static"
_INTERNAL = "/_"
_RUNBOOK = "../runbook.md"


def refresh(text: str, app: Flask) -> str:
    """`text` with everything between `<!-- name -->` and `<!-- /name -->` written anew, for each table's name."""
    for name, table in _tables(app).items():
        head, opening, rest = text.partition(f"<!-- {name} -->\n")
        _, closing, tail = rest.partition(f"<!-- /{name} -->")
        if opening and closing:
            text = head + opening + "".join(f"{row}\n" for row in table()) + closing + tail
    return text


def _tables(app: Flask) -> dict[str, Callable[[], Iterator[str]]]:
    return {
        "settings": _settings,
        "errors": _errors,
        "routes": partial(_routes, app),
        "roles": _roles,
        "metrics": _metrics,
        "alerts": _alerts,
    }


def _settings() -> Iterator[str]:
    yield "| Variable | Default | Meaning |"
    yield "|---|---|---|"
    for name, default, about in documented():
        yield f"| `{name}` | {f'`{default}`' if default else ''} | {about} |"


def _errors() -> Iterator[str]:
    yield "| Code | Status | Meaning | Side |"
    yield "|---|---|---|---|"
    for kind in catalogue():
        yield f"| `{kind.code}` | {kind.status} | {kind.title} | {kind.side} |"


def _routes(app: Flask) -> Iterator[str]:
    yield "| Route | Operation | Permission | What it does |"
    yield "|---|---|---|---|"
    shown = (rule for rule in app.url_map.iter_rules() if not rule.rule.startswith(_INTERNAL))
    for rule in sorted(shown, key=str):
        view = app.view_functions[rule.endpoint]
        for method in _METHODS:
            kind = getattr(view, "view_class", view)
            if method == "HEAD" and not hasattr(kind, "head"):
                continue  # what GET answers, without the body
            if method in (rule.methods or ()) and _STATIC not in rule.endpoint:
                handler = getattr(kind, method.lower(), view)
                needs = getattr(handler, "rule", None)
                action, permission = (f"`{needs.action}`", f"`{needs.permission}`") if needs else ("", "")
                about = (handler.__doc__ or "").strip().partition("\n")[0]
                yield f"| `{method} {_plain(str(rule))}` | {action} | {permission} | {about} |"


def _roles() -> Iterator[str]:
    yield "| Role | Permissions |"
    yield "|---|---|"
    for role, permissions in ROLES.items():
        yield f"| {role} | {', '.join(f'`{name}`' for name in sorted(permissions))} |"


def _metrics() -> Iterator[str]:
    yield "| Metric | Type | Labels | Lines at most, per worker | Meaning |"
    yield "|---|---|---|---|---|"
    for metric in CONTRACT:
        shown = "; ".join(f"`{label.name}`: {label.about}" for label in metric.labels) or "none"
        yield f"| `{metric.name}` | {metric.kind} | {shown} | {metric.worst_case:,} | {metric.about} |"


def _alerts() -> Iterator[str]:
    yield "| Alert | Severity | Fires after | Channels | Meaning |"
    yield "|---|---|---|---|---|"
    for rule in rules(load_settings({})):
        link, channels = f"[{rule.name}]({_RUNBOOK}#{rule.section})", ", ".join(rule.channels)
        yield f"| {link} | {rule.severity} | {rule.hold} | {channels} | {rule.summary} |"


def _plain(rule: str) -> str:
    """`/x/{id}` instead of `/x/<int(max=…):id>`."""
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule)
