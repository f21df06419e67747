"""The settings of the export of traces: variables that OpenTelemetry defines, under its names and with its defaults."""

from dataclasses import dataclass
from datetime import timedelta

from marshmallow.validate import OneOf, Range

from filewallball.settings.kinds import setting
from filewallball.settings.tracing_kinds import Pairs

ALWAYS_ON, ALWAYS_OFF, RATIO, PARENT_BASED = "always_on", "always_off", "traceidratio", "parentbased_"
_SAMPLERS = [prefix + name for prefix in ("", PARENT_BASED) for name in (ALWAYS_ON, ALWAYS_OFF, RATIO)]


@dataclass(frozen=True, kw_only=True)
class TracingSettings:
    """What goes to a collector of traces, and where that is. Nothing does unless an endpoint is named."""

    otel_sdk_disabled: bool = setting("bool", "false", "Export no traces whatever else is set")
    otel_traces_exporter: str = setting(
        "str", "otlp", "`otlp` or `none`, which exports no traces", validate=OneOf(("otlp", "none"))
    )
    otel_exporter_otlp_endpoint: str = setting(
        "collector_url",
        "",
        "Collector of traces, such as `http://localhost:4318`; they go to `/v1/traces` below it; empty = no export",
    )
    otel_exporter_otlp_traces_endpoint: str = setting(
        "collector_url", "", "The whole URL that traces go to, in place of that"
    )
    otel_exporter_otlp_protocol: str = setting(
        "str", "http/protobuf", "The only protocol there is", validate=OneOf(("http/protobuf",))
    )
    otel_exporter_otlp_headers: Pairs = setting(
        "secret_headers", "", "Headers for the collector, a secret: `name=value,name=value`, percent-encoded"
    )
    otel_exporter_otlp_timeout: timedelta = setting(
        "milliseconds", "10000", "Longest time that one batch may take with its repetitions, in milliseconds"
    )
    otel_exporter_otlp_compression: str = setting(
        "str", "none", "`none`, `gzip` or `deflate`", validate=OneOf(("none", "gzip", "deflate"))
    )
    otel_exporter_otlp_certificate: str = setting(
        "absolute", "", "Certificates by which the collector's is checked; empty = those of the system"
    )
    otel_exporter_otlp_client_certificate: str = setting(
        "absolute", "", "Certificate that the collector is shown"
    )
    otel_exporter_otlp_client_key: str = setting("absolute", "", "Its key")
    otel_service_name: str = setting("str", "", "Name of the service in traces; empty = filewallball")
    otel_resource_attributes: Pairs = setting(
        "pairs", "", "What every span says of the service: `name=value,name=value`, percent-encoded"
    )
    otel_traces_sampler: str = setting(
        "str",
        PARENT_BASED + ALWAYS_ON,
        "Requests that are exported: `always_on`, `always_off` or `traceidratio`; "
        "after `parentbased_` a trusted caller decides first",
        validate=OneOf(_SAMPLERS),
    )
    otel_traces_sampler_arg: float = setting("share", "1", "Share of the traces that `traceidratio` takes")
    otel_bsp_schedule_delay: timedelta = setting(
        "milliseconds", "5000", "How long a span waits for others before they are sent, in milliseconds"
    )
    otel_bsp_max_queue_size: int = setting(
        "int", "2048", "Spans that a process keeps at most; more are lost", validate=Range(1, 1_000_000)
    )
    otel_bsp_max_export_batch_size: int = setting(
        "int", "512", "Spans sent together at most", validate=Range(1, 1_000_000)
    )
    otel_bsp_export_timeout: timedelta = setting(
        "milliseconds", "30000", "As OTEL_EXPORTER_OTLP_TIMEOUT; the shorter of both holds"
    )

    @property
    def exports_spans(self) -> bool:
        """True if spans go to a collector."""
        is_wanted = not self.otel_sdk_disabled and self.otel_traces_exporter != "none"
        return is_wanted and bool(self.spans_url)

    @property
    def spans_url(self) -> str:
        """Where spans are posted to; empty if no collector is named."""
        if self.otel_exporter_otlp_traces_endpoint or not self.otel_exporter_otlp_endpoint:
            return self.otel_exporter_otlp_traces_endpoint
        return f"{self.otel_exporter_otlp_endpoint.rstrip('/')}/v1/traces"
