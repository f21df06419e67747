"""Requests that are no operation: unknown paths and methods, OPTIONS, documentation. They count towards limits too.

Nothing of them is on record but that they were turned away. Probes and metrics count nowhere.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import current_app
from werkzeug.routing import Rule

from filewallball.access.admission import turn_away
from filewallball.access.limits import API, ASSETS, PREFLIGHTS, bucket_of

_PAGES = (
    *("start.welcome", "docs.index", "docs.errors", "api-docs.openapi_json"),
    *("console.index", "console-settings.Console", "runbook.page", "runbook.as_json"),
)
_ASSETS = ("docs.static", "docs.swagger_ui", "runbook.static", "console.asset")


def limit_unrecorded(app: Any) -> None:
    """Count what no view of an operation counts; call it once every route is there."""
    app.count_unrouted = lambda: turn_away(API)
    app.count_options = lambda rule, announced: turn_away(_bucket_of_options(rule, announced.upper()))
    for bucket, endpoints in ((API, _PAGES), (ASSETS, _ASSETS)):
        for endpoint in endpoints:
            app.view_functions[endpoint] = _counted(app.view_functions[endpoint], bucket)


def _counted(view: Callable[..., Any], bucket: str) -> Callable[..., Any]:
    @wraps(view)
    def run(*args: Any, **kwargs: Any) -> Any:
        turn_away(bucket)
        return view(*args, **kwargs)

    return run


def _bucket_of_options(rule: Rule | None, method: str) -> str:
    """A browser sends at most one preflight before each request, so each kind has a count of its own as large as that
    of the requests that it announces: who stays within the one stays within the other."""
    if rule is None or method not in (rule.methods or ()):
        return API
    view_class = getattr(current_app.view_functions[rule.endpoint], "view_class", None)
    announced = getattr(getattr(view_class, method.lower(), None), "rule", None)
    return PREFLIGHTS[bucket_of(announced.action) if announced is not None else API]
