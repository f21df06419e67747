"""The variables of OpenTelemetry: its notations, where spans go, and bad values that stop the start with one line."""

import pytest

from filewallball.settings.loading import ConfigError, load_settings

SECRET = "a-key-that-nobody-may-read"
BASE = "http://collector:4318"


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({}, ""),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": BASE}, f"{BASE}/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": f"{BASE}/otlp/"}, f"{BASE}/otlp/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{BASE}/spans"}, f"{BASE}/spans"),
        (
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": BASE,
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://[::1]:1/spans",
            },
            "https://[::1]:1/spans",
        ),
    ],
)
def test_spans_go_where_the_endpoints_say_and_nowhere_without_one(environ: dict[str, str], url: str) -> None:
    settings = load_settings(environ)

    assert settings.spans_url == url
    assert settings.exports_spans is bool(url)
    assert not load_settings({**environ, "OTEL_SDK_DISABLED": "true"}).exports_spans
    assert not load_settings({**environ, "OTEL_TRACES_EXPORTER": "none"}).exports_spans


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "collector:4318",
            "must be a URL that starts with http:// or https://.",
        ),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://[::1", "must be a URL that starts with http:// or https://."),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://a:{SECRET}@b", "must hold no password and no query"),
        (
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            f"http://b/?key={SECRET}",
            "must hold no password and no query",
        ),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "Must be one of: http/protobuf."),
        ("OTEL_EXPORTER_OTLP_HEADERS", SECRET, "is not a list of headers"),
        ("OTEL_EXPORTER_OTLP_HEADERS", f"a b={SECRET}", "is not a list of headers"),
        ("OTEL_EXPORTER_OTLP_HEADERS", f"a={SECRET}%0d%0ab: c", "must be printable"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "'10s' is not a number of milliseconds"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "0", "'0' is not a number of milliseconds"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "Must be one of: none, gzip, deflate."),
        ("OTEL_RESOURCE_ATTRIBUTES", "team", "'team' is not a list"),
        ("OTEL_TRACES_SAMPLER", "jaeger_remote", "Must be one of: always_on,"),
        ("OTEL_TRACES_SAMPLER_ARG", "10", "'10' is not a share from 0 to 1"),
        ("OTEL_TRACES_SAMPLER_ARG", "nan", "'nan' is not a share from 0 to 1"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE: must not be more"),
        ("OTEL_SDK_DISABLED", "perhaps", "Not a valid boolean."),
        # The library would read these by itself.
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", f"a={SECRET}", "there is no such setting"),
    ],
)
def test_a_bad_value_is_one_line_that_shows_no_secret(name: str, value: str, message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_settings({name: value})

    (line,) = refused.value.messages
    assert message in line
    assert line.startswith("OTEL_")
    assert SECRET not in line


def test_headers_are_secrets_and_every_value_of_them_is_taken_out_of_text() -> None:
    settings = load_settings(
        {"OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{SECRET}, x-team=observers"}
    )

    assert settings.otel_exporter_otlp_headers == (
        ("authorization", f"Bearer {SECRET}"),
        ("x-team", "observers"),
    )
    assert {f"Bearer {SECRET}", SECRET, "observers"} <= set(settings.secrets())
    assert SECRET not in repr(settings)
