"""One batch of spans on its way: what a collector's answer means, how long it may take and how much of it is read.

Imported only where spans are exported, for the library takes its time and memory.
"""

import ssl
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import requests
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from requests.auth import AuthBase

from filewallball.settings.tracing import TracingSettings

_COMPRESSIONS = {"none": Compression.NoCompression, "gzip": Compression.Gzip, "deflate": Compression.Deflate}
_PROTOBUF = "application/x-protobuf"
_MOST_BYTES = 64 * 1024
"""More than any answer has: it holds one number and one message."""


class Session(requests.Session):
    """Sends batches for the library, which takes redirections and rejected spans for success, and reads any answer.

    It remembers why spans of the last batch were lost, in words that hold nothing of the request.
    """

    def __init__(self, settings: TracingSettings) -> None:
        super().__init__()
        self.auth = _NoCredentials()
        self.failure = ""
        self.rejected = 0
        """The spans of the last batch that the collector did not take, though it took the others."""
        self._certificate = settings.otel_exporter_otlp_certificate
        self._seconds = batch_seconds(settings)
        self._until = 0.0

    def start_batch(self) -> None:
        """Forget the last batch. The time of the next runs on a clock that nobody sets, unlike the library's."""
        self.failure, self.rejected = "", 0
        self._until = monotonic() + self._seconds

    def request(self, *args: Any, **options: Any) -> requests.Response:
        """Send the batch once. What is raised says whether the library tries again."""
        options.update(stream=True, timeout=self._left())
        if self._certificate:
            options["verify"] = self._certificate  # or REQUESTS_CA_BUNDLE would win over it
        try:
            answer = super().request(*args, **options)
            body = self._read(answer)
        except Exception as error:
            self.failure = _reason(error)
            raise
        self._judge(answer, body)
        return answer

    def _judge(self, answer: requests.Response, body: bytes) -> None:
        """Note what the answer means. Raises NotTaken where the library would take it for success."""
        self.failure = "" if answer.status_code < 300 else f"HTTP {answer.status_code}"
        if 300 <= answer.status_code < 400:
            raise NotTaken(self.failure)
        if answer.ok and answer.headers.get("Content-Type", "").startswith(_PROTOBUF):
            self.rejected = _rejected(body)
            self.failure = "the collector rejected some spans" if self.rejected else ""

    def _read(self, answer: requests.Response) -> bytes:
        """The body as far as it is read: a connection with more of it is closed, so that no more comes."""
        body = b""
        try:
            for piece in _pieces(answer):
                body += piece
                if len(body) > _MOST_BYTES:
                    answer.close()
                    break
                self._left()
        except BaseException:
            answer.close()
            raise
        return body

    def _left(self) -> float:
        left = self._until - monotonic()
        if left <= 0:
            raise TookTooLong("the time of the batch is over")
        return left


class NotTaken(requests.RequestException):
    """The answer is no success."""


class TookTooLong(requests.RequestException):
    """The time of a batch is over."""


class _NoCredentials(AuthBase):
    """Adds none: the headers have them. Without it, those of a `.netrc` would replace them."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def sender(settings: TracingSettings, session: Session) -> OTLPSpanExporter:
    """The library's exporter over the session."""
    return OTLPSpanExporter(
        endpoint=settings.spans_url,
        certificate_file=settings.otel_exporter_otlp_certificate or _certificates_of_the_system(),
        client_certificate_file=settings.otel_exporter_otlp_client_certificate or None,
        client_key_file=settings.otel_exporter_otlp_client_key or None,
        headers=dict(settings.otel_exporter_otlp_headers),
        timeout=batch_seconds(settings),
        compression=_COMPRESSIONS[settings.otel_exporter_otlp_compression],
        session=session,
    )


def batch_seconds(settings: TracingSettings) -> float:
    """The time that one batch may take with its repetitions."""
    return min(settings.otel_exporter_otlp_timeout, settings.otel_bsp_export_timeout).total_seconds()


def _certificates_of_the_system() -> str | None:
    """The file or folder that OpenSSL reads; None where there is none, for then `requests` has certificates."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile:
        return paths.cafile
    has_some = bool(paths.capath) and any(Path(paths.capath).glob("*.0"))
    return paths.capath if has_some else None


def _pieces(answer: requests.Response) -> Iterator[bytes]:
    """The body as it comes, however slowly."""
    while piece := answer.raw.read1(_MOST_BYTES, decode_content=True):
        yield piece


def _reason(error: Exception) -> str:
    """The kind of the error. Those of connections are OSErrors of a kind of their own."""
    return "a file of certificates cannot be found" if type(error) is OSError else type(error).__name__


def _rejected(body: bytes) -> int:
    try:
        answer = ExportTraceServiceResponse.FromString(body)
    except Exception:  # whatever the library raises for what is no such message
        return 0
    return max(0, int(answer.partial_success.rejected_spans))
