"""The panels that dashboards are made of; settings common to panels are written here once.

Everything is a plain dictionary of Grafana's dashboard schema, version 39, which Grafana 10.4 and later read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
DATASOURCE_NAME = "FileWallBall"
GREEN, YELLOW, RED = "green", "yellow", "red"
HEALTH = {
    "1": ("healthy", GREEN),
    "0.5": ("degraded", YELLOW),
    "0": ("unhealthy", RED),
    "null": ("disabled", "text"),
}
STEP = "$__rate_interval"
"""The window of lines over time: it grows with the time shown, so that no event falls between two points."""
YES_NO = {"1": ("yes", GREEN), "0": ("no", RED)}


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL, and what its series are called."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """The display of a figure: its unit, the values from which on it is yellow or red, and names for single values.

    `absent` is shown where there is no series; `plain` figures have no colour that says whether they are well.
    """

    unit: str = "short"
    yellow: float | None = None
    red: float | None = None
    names: dict[str, tuple[str, str]] = field(default_factory=dict)
    low_is_bad: bool = False
    most: float | None = None
    decimals: int | None = None
    absent: str = ""
    plain: bool = False

    def defaults(self) -> Json:
        """The schema's field options."""
        found: Json = {"unit": self.unit, "color": {"mode": "thresholds"}, "thresholds": self._thresholds()}
        found |= {"min": 0, "max": self.most} if self.most is not None else {}
        found |= {"decimals": self.decimals} if self.decimals is not None else {}
        found |= {"noValue": self.absent} if self.absent else {}
        if self.names:
            found["mappings"] = list(self._mappings())
        return found

    def _thresholds(self) -> Json:
        limits = [
            (value, colour) for value, colour in ((self.yellow, YELLOW), (self.red, RED)) if value is not None
        ]
        if self.low_is_bad:
            colours = [RED, *([YELLOW] if self.yellow is not None else []), GREEN]
            values = [value for value in (self.red, self.yellow) if value is not None]
            limits, first = list(zip(values, colours[1:], strict=True)), colours[0]
        else:
            first = "text" if self.plain else GREEN
        steps = [
            {"value": None, "color": first},
            *({"value": value, "color": colour} for value, colour in limits),
        ]
        return {"mode": "absolute", "steps": steps}

    def _mappings(self) -> Iterable[Json]:
        for index, (value, (text, colour)) in enumerate(self.names.items()):
            result = {"text": text, "color": colour, "index": index}
            if value == "null":
                yield {"type": "special", "options": {"match": "null+nan", "result": result}}
            else:
                yield {"type": "value", "options": {value: result}}


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel without a place; `runbook` names the section that says what to do about it."""

    title: str
    kind: str
    queries: Sequence[Query]
    about: str
    look: Look
    options: Json
    width: int
    height: int
    custom: Json = field(default_factory=dict)
    runbook: str = ""
    transformations: Sequence[Json] = ()


def of_service(expr: str, legend: str = "") -> Query:
    """A query of the chosen instances: `@` in a selector stands for them."""
    return Query(expr.replace("@", 'instance=~"$instance"'), legend)


def of_host(expr: str, legend: str = "") -> Query:
    """A query of the chosen hosts, as node_exporter describes them."""
    return Query(expr.replace("@", 'instance=~"$node"'), legend)


def timeseries(
    title: str,
    *queries: Query,
    about: str,
    look: Look = Look(),
    runbook: str = "",
    width: int = 12,
    stack: bool = False,
) -> Panel:
    """Lines over time; with thresholds they are drawn too."""
    limited = look.yellow is not None or look.red is not None
    custom = {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 25 if stack else 10,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"mode": "normal" if stack else "none", "group": "A"},
        "thresholdsStyle": {"mode": "dashed" if limited else "off"},
    }
    options = {
        "legend": {
            "displayMode": "table",
            "placement": "right",
            "showLegend": True,
            "calcs": ["lastNotNull", "max"],
        },
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return Panel(title, "timeseries", queries, about, look, options, width, 8, custom, runbook)


def heatmap(title: str, query: Query, *, about: str, unit: str, runbook: str = "", width: int = 12) -> Panel:
    """Buckets of a histogram over time, the darker the more observations."""
    options = {
        "calculate": False,
        "cellGap": 1,
        "cellValues": {"unit": "short", "decimals": 0},
        "color": {
            "mode": "scheme",
            "scheme": "Oranges",
            "fill": "dark-orange",
            "scale": "exponential",
            "exponent": 0.5,
            "steps": 64,
            "reverse": False,
        },
        "exemplars": {"color": "rgba(51, 162, 229, 0.8)"},
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        "showValue": "never",
        "tooltip": {"show": True, "yHistogram": True},
        "yAxis": {"unit": unit, "axisPlacement": "left", "reverse": False},
    }
    custom = {
        "scaleDistribution": {"type": "linear"},
        "hideFrom": {"legend": False, "tooltip": False, "viz": False},
    }
    return Panel(title, "heatmap", (query,), about, Look(unit), options, width, 8, custom, runbook)


def alertlist(title: str, *, about: str, runbook: str = "", width: int = 24) -> Panel:
    """The alerts that Prometheus holds for pending or firing, which Grafana asks it for by itself."""
    options = {
        "viewMode": "list",
        "groupMode": "default",
        "groupBy": [],
        "maxItems": 50,
        "sortOrder": 3,
        "dashboardAlerts": False,
        "alertName": "",
        "alertInstanceLabelFilter": '{severity=~"warning|critical"}',
        "datasource": DATASOURCE_NAME,
        "showInstances": True,
        "stateFilter": {"firing": True, "pending": True, "error": True, "noData": False, "normal": False},
    }
    return Panel(title, "alertlist", (), about, Look(), options, width, 6, runbook=runbook)


def stat(
    title: str, *queries: Query, about: str, look: Look = Look(), runbook: str = "", width: int = 4
) -> Panel:
    """One figure, coloured."""
    options = {
        **_reduced(),
        "colorMode": "value",
        "graphMode": "none",
        "textMode": "auto",
        "justifyMode": "auto",
    }
    return Panel(title, "stat", queries, about, look, options, width, 4, runbook=runbook)


def gauge(title: str, *queries: Query, about: str, look: Look, runbook: str = "", width: int = 6) -> Panel:
    """One figure between its least and its most."""
    options = {**_reduced(), "showThresholdLabels": False, "showThresholdMarkers": True}
    return Panel(title, "gauge", queries, about, look, options, width, 8, runbook=runbook)


def bargauge(
    title: str, *queries: Query, about: str, look: Look = Look(), runbook: str = "", width: int = 12
) -> Panel:
    """A ranking as bars."""
    options = {**_reduced(), "displayMode": "gradient", "orientation": "horizontal", "showUnfilled": True}
    return Panel(title, "bargauge", queries, about, look, options, width, 8, runbook=runbook)


def piechart(title: str, *queries: Query, about: str, look: Look = Look(), width: int = 6) -> Panel:
    """Shares of a whole."""
    options = {
        **_reduced(),
        "pieType": "donut",
        "displayLabels": ["percent"],
        "legend": {"displayMode": "table", "placement": "right", "showLegend": True, "values": ["value"]},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return Panel(title, "piechart", queries, about, look, options, width, 8)


def table(
    title: str,
    *queries: Query,
    about: str,
    hide: Sequence[str] = (),
    look: Look = Look(),
    runbook: str = "",
    width: int = 12,
) -> Panel:
    """One row a series, labels as columns."""
    options = {
        "showHeader": True,
        "cellHeight": "sm",
        "footer": {"show": False, "reducer": ["sum"], "countRows": False},
    }
    hidden = dict.fromkeys(("Time", "__name__", "job", *hide), True)
    organize: Json = {
        "id": "organize",
        "options": {"excludeByName": hidden, "indexByName": {}, "renameByName": {}},
    }
    merge: list[Json] = [{"id": "merge", "options": {}}] if len(queries) > 1 else []
    custom = {"align": "auto", "cellOptions": {"type": "color-text"}, "inspect": False}
    return Panel(title, "table", queries, about, look, options, width, 8, custom, runbook, [*merge, organize])


def _reduced() -> Json:
    return {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "orientation": "auto"}
