"""Marks on every panel of lines: starts of the service, and alerts while they fire."""

from filewallball.ops.dashboards.panels import DATASOURCE, Json

# Some alerts are of no instance.
_CHOSEN = 'instance=~"$instance|"'


def annotations() -> list[Json]:
    """The annotations of a dashboard, as Grafana's data source for Prometheus reads them."""
    return [
        _annotation(
            "Starts",
            'process_start_time_seconds{job="filewallball",instance=~"$instance"} * 1000',
            colour="blue",
            title="Started",
            text="{{instance}}",
            # The value is the moment: a start is marked when it was, not when it was scraped.
            at_value=True,
        ),
        _annotation(
            "Alerts",
            f'ALERTS{{alertstate="firing",severity=~"warning|critical",{_CHOSEN}}}',
            colour="red",
            title="{{alertname}}",
            text="{{severity}} {{instance}}",
        ),
    ]


def _annotation(name: str, expr: str, *, colour: str, title: str, text: str, at_value: bool = False) -> Json:
    return {
        "name": name,
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "iconColor": colour,
        "expr": expr,
        "titleFormat": title,
        "textFormat": text,
        "useValueForTime": at_value,
    }
