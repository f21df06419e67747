"""A dashboard of rows of panels: places, identities, variables and links are given here."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from filewallball.ops.dashboards.annotations import annotations
from filewallball.ops.dashboards.panels import DATASOURCE, Json, Panel, Query

SCHEMA_VERSION = 39
_COLUMNS = 24
_TAG = "filewallball"
_WINDOW = "$window"
_WINDOWS = ("1m", "5m", "15m", "1h", "6h", "1d")
_FIRST_WINDOW = "5m"
# The families of these buckets carry exemplars: requests that Grafana shows as points.
_TIMED = "_duration_seconds_bucket"


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a common title, left to right, wrapped where 24 columns are full."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One page of panels. `hosts` adds a variable for the machine that node_exporter describes."""

    uid: str
    title: str
    about: str
    rows: Sequence[Row]
    hosts: bool = False

    def render(self, runbook_url: str) -> str:
        """The JSON that Grafana reads; links of panels lead to sections of the page at `runbook_url`."""
        return json.dumps(self._model(runbook_url), indent=2, ensure_ascii=False) + "\n"

    def _model(self, runbook_url: str) -> Json:
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.about,
            "tags": [_TAG],
            "timezone": "utc",
            "schemaVersion": SCHEMA_VERSION,
            "version": 1,
            "editable": True,
            "graphTooltip": 1,
            "refresh": "30s",
            "time": {"from": "now-6h", "to": "now"},
            "links": list(_links(runbook_url)),
            "templating": {"list": list(_variables(self.hosts, self._has_window()))},
            "annotations": {"list": annotations()},
            "panels": list(_placed(self.rows, runbook_url)),
        }

    def _has_window(self) -> bool:
        """True if a figure of now is of a time that the reader chooses; lines over time are of their own steps."""
        return any(
            _WINDOW in query.expr for row in self.rows for panel in row.panels for query in panel.queries
        )


def _links(runbook_url: str) -> Iterator[Json]:
    yield {
        **_link("FileWallBall", ""),
        "type": "dashboards",
        "tags": [_TAG],
        "asDropdown": True,
        "targetBlank": False,
    }
    if _opens(runbook_url):
        yield _link("Runbook", runbook_url)


def _opens(url: str) -> bool:
    """True if a browser finds what the URL names from any page: a path within the repository is none."""
    return "://" in url


def _link(title: str, url: str) -> Json:
    return {
        "title": title,
        "type": "link",
        "url": url,
        "icon": "external link",
        "tooltip": "",
        "tags": [],
        "asDropdown": False,
        "targetBlank": True,
        "keepTime": False,
        "includeVars": False,
    }


def _variables(hosts: bool, has_window: bool) -> Iterator[Json]:
    yield {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
        "hide": 0,
    }
    yield _of_series("instance", "Instance", "label_values(filewallball_build_info, instance)")
    if hosts:
        yield _of_series("node", "Host", "label_values(node_uname_info, instance)")
    if has_window:
        yield {
            "name": "window",
            "label": "Window of figures",
            "type": "interval",
            "query": ",".join(_WINDOWS),
            "current": {"selected": True, "text": _FIRST_WINDOW, "value": _FIRST_WINDOW},
            "options": [
                {"selected": each == _FIRST_WINDOW, "text": each, "value": each} for each in _WINDOWS
            ],
            "hide": 0,
        }


def _of_series(name: str, label: str, query: str) -> Json:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": f"variable-{name}"},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "hide": 0,
    }


def _placed(rows: Sequence[Row], runbook_url: str) -> Iterator[Json]:
    number, y = 0, 0
    for row in rows:
        number += 1
        place = {"x": 0, "y": y, "w": _COLUMNS, "h": 1}
        yield {
            "id": number,
            "type": "row",
            "title": row.title,
            "gridPos": place,
            "collapsed": False,
            "panels": [],
        }
        x, y, height = 0, y + 1, 0
        for panel in row.panels:
            number += 1
            if x + panel.width > _COLUMNS:
                x, y, height = 0, y + height, 0
            yield _panel(panel, number, {"x": x, "y": y, "w": panel.width, "h": panel.height}, runbook_url)
            x, height = x + panel.width, max(height, panel.height)
        y += height


def _panel(panel: Panel, number: int, place: Json, runbook_url: str) -> Json:
    defaults = {**panel.look.defaults(), "custom": panel.custom}
    if panel.kind in ("timeseries", "piechart"):
        defaults["color"] = {"mode": "palette-classic"}
    found: Json = {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "gridPos": place,
        "datasource": DATASOURCE,
        "targets": [_target(query, chr(ord("A") + at), panel.kind) for at, query in enumerate(panel.queries)],
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": panel.options,
    }
    if panel.transformations:
        found["transformations"] = list(panel.transformations)
    if panel.runbook and _opens(runbook_url):
        found["links"] = [_link("Runbook", f"{runbook_url}#{panel.runbook}")]
    return found


def _target(query: Query, letter: str, kind: str) -> Json:
    # A figure is of now: over a range the last value of a service that is gone would go on being shown.
    now = kind not in ("timeseries", "heatmap")
    target = {
        "refId": letter,
        "datasource": DATASOURCE,
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "instant": now,
        "range": not now,
        "format": {"table": "table", "heatmap": "heatmap"}.get(kind, "time_series"),
    }
    return target if now or _TIMED not in query.expr else {**target, "exemplar": True}
