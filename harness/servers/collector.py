"""A collector of traces, OtelTap: it takes spans by OTLP/HTTP and prints each as a line of JSON."""

import json
import sys
from typing import Any

from harness.servers.base import Server

Span = dict[str, Any]


class Collector(Server):
    """Keeps every span that it was ever sent."""

    def command(self) -> list[str]:
        return [sys.executable, "-u", "-m", "oteltap", "--port", str(self.port)]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def spans(self) -> list[Span]:
        """The spans, in the order in which they came; the attributes of each as a plain dictionary."""
        # A line that is being written lacks its end.
        lines = [line for line in self.log_text().splitlines(keepends=True) if line.endswith("}\n")]
        found = [json.loads(line) for line in lines if line.startswith('{"traceId"')]
        for span in found:
            span["attributes"] = {each["key"]: _value(each["value"]) for each in span["attributes"]}
        return found

    def of_trace(self, trace_id: str) -> list[Span]:
        """The spans of one trace."""
        return [span for span in self.spans() if span["traceId"] == trace_id]


def _value(value: dict[str, Any]) -> Any:
    ((kind, found),) = value.items()
    return int(found) if kind == "intValue" else found
