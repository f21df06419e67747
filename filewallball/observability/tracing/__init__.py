"""Spans of requests, exported to a collector of traces by OpenTelemetry's protocol OTLP/HTTP; off by default."""
