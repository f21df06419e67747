"""The tables of the reference in docs/, written from the code they describe (`filewallball reference FILE…`)."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from flask import Flask

from filewallball.errors import catalogue
from filewallball.observability.contract import CONTRACT
from filewallball.observability.labels import Label
from filewallball.ops.alert_rules import rules
from filewallball.ops.translation import Say, in_english, in_korean
from filewallball.permissions import ROLES
from filewallball.settings.loading import documented, load_settings
from filewallball.web.details import ADVICE

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_STATIC = "static"
_INTERNAL = "/_"
_RUNBOOK = "../runbook.md"


def refresh(text: str, app: Flask, say: Say = in_english) -> str:
    """`text` with everything between `<!-- name -->` and `<!-- /name -->` written anew, for each table's name."""
    for name, table in _tables(app, say).items():
        head, opening, rest = text.partition(f"<!-- {name} -->\n")
        _, closing, tail = rest.partition(f"<!-- /{name} -->")
        if opening and closing:
            text = head + opening + "".join(f"{row}\n" for row in table()) + closing + tail
    return text


def language_of(page: Path) -> Say:
    """Korean for the pages below a folder `ko`, else English."""
    return in_korean if "ko" in page.resolve().parts else in_english


def _tables(app: Flask, say: Say) -> dict[str, Callable[[], Iterator[str]]]:
    return {
        "settings": partial(_settings, say),
        "errors": partial(_errors, say),
        "routes": partial(_routes, say, app),
        "roles": partial(_roles, say),
        "metrics": partial(_metrics, say),
        "alerts": partial(_alerts, say),
    }


def _head(say: Say, *columns: str) -> Iterator[str]:
    yield f"| {' | '.join(say(column) for column in columns)} |"
    yield "|---" * len(columns) + "|"


def _settings(say: Say) -> Iterator[str]:
    yield from _head(say, "Variable", "Default", "Meaning")
    for name, default, about in documented():
        yield f"| `{name}` | {f'`{default}`' if default else ''} | {say(about)} |"


def _errors(say: Say) -> Iterator[str]:
    yield from _head(say, "Code", "Status", "Meaning", "What to do", "Side")
    for kind in catalogue():
        about = f"{say(kind.title)} | {say(ADVICE[kind.code])} | {say(kind.side)}"
        yield f"| `{kind.code}` | {kind.status} | {about} |"


def _routes(say: Say, app: Flask) -> Iterator[str]:
    yield from _head(say, "Route", "Operation", "Permission", "What it does")
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
                about = say((handler.__doc__ or "").strip().partition("\n")[0])
                yield f"| `{method} {_plain(str(rule))}` | {action} | {permission} | {about} |"


def _roles(say: Say) -> Iterator[str]:
    yield from _head(say, "Role", "Permissions")
    for role, permissions in ROLES.items():
        yield f"| {role} | {', '.join(f'`{name}`' for name in sorted(permissions))} |"


def _metrics(say: Say) -> Iterator[str]:
    yield from _head(say, "Metric", "Type", "Labels", "Lines at most, per worker", "Meaning")
    for metric in CONTRACT:
        shown = "; ".join(f"`{label.name}`: {_values(say, label)}" for label in metric.labels) or say("none")
        about = f"{shown} | {metric.worst_case:,} | {say(metric.about)}"
        yield f"| `{metric.name}` | {say(metric.kind)} | {about} |"


def _values(say: Say, label: Label) -> str:
    """The values of a label; a list of nothing but values is the same in every language."""
    return say(label.about) if " " in label.about.replace(", ", "") else label.about


def _alerts(say: Say) -> Iterator[str]:
    yield from _head(say, "Alert", "Severity", "Fires after", "Channels", "Meaning")
    for rule in rules(load_settings({})):
        link, channels = f"[{rule.name}]({_RUNBOOK}#{rule.section})", ", ".join(rule.channels)
        yield f"| {link} | {say(rule.severity)} | {rule.hold} | {channels} | {say(rule.summary)} |"


def _plain(rule: str) -> str:
    """`/x/{id}` instead of `/x/<int(max=…):id>`."""
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule)
