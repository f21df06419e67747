"""A collector that is dead, slow or hangs costs spans and nothing else, and is named in the log once."""

import logging
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from filewallball.observability.tracing.export import SpanExport
from filewallball.observability.tracing.sending import Session, sender
from filewallball.observability.tracing.spans import Spans
from filewallball.recording.event import Event
from filewallball.settings.loading import load_settings
from harness import ROOT
from harness.servers import Collector, Relay
from harness.waiting import wait_until
from tests.observability.tracing.answering import PROTOBUF, Answer, AnsweringCollector, rejecting

pytestmark = pytest.mark.server
LOST, AGAIN = "Spans are lost", "Spans are exported again"
HOUR_MS = "3600000"


class Export:
    """An export under test: what it counted, and spans for it."""

    def __init__(self, url: str, **environ: str) -> None:
        settings = load_settings(
            {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_SCHEDULE_DELAY": "20", **environ}
        )
        self.counted: Counter[str] = Counter()
        self._spans = Spans(settings)
        self._export = SpanExport(settings, self._count)

    def send(self, count: int = 1) -> None:
        for _ in range(count):
            self._export.submit(self._spans.of_operation(Event("e", 1, "file:expire"), "1" * 32))

    def stop(self) -> None:
        self._export.stop(0.2)

    def _count(self, outcome: str, count: int) -> None:
        self.counted[outcome] += count


@pytest.fixture
def export() -> Iterator[Callable[..., Export]]:
    """Makes an export; it is stopped with the test."""
    made: list[Export] = []

    def make(url: str, **environ: str) -> Export:
        made.append(Export(url, **environ))
        return made[-1]

    yield make
    for each in made:
        each.stop()


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_a_dead_collector_is_named_once_and_so_is_its_return(
    export: Callable[..., Export], failing_collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    found = export(failing_collector.url, OTEL_EXPORTER_OTLP_TIMEOUT="100")
    found.send()
    wait_until(lambda: found.counted["exported"] == 1, what="a span was taken")
    failing_collector.kill()
    for lost in (1, 2, 3):
        found.send()
        wait_until(lambda: found.counted["dropped"] == lost, what="a span was lost")  # noqa: B023
    assert said(caplog) == [LOST]
    assert vars(caplog.records[0])["collector"] == f"{failing_collector.url}/v1/traces"
    assert vars(caplog.records[0])["reason"] == "ConnectionError"

    failing_collector.start()

    def is_back() -> bool:
        found.send()
        return AGAIN in said(caplog)

    wait_until(is_back, what="spans are taken again")

    assert said(caplog) == [LOST, AGAIN]
    assert vars(caplog.records[1])["lost"] == found.counted["dropped"]
    assert {record.name for record in caplog.records} == {"filewallball.traces"}


def test_a_collector_that_hangs_takes_no_more_than_the_queue_and_holds_up_no_end(
    export: Callable[..., Export], failing_collector: Collector
) -> None:
    failing_collector.pause()
    found = export(
        failing_collector.url,
        OTEL_EXPORTER_OTLP_TIMEOUT=HOUR_MS,
        OTEL_BSP_EXPORT_TIMEOUT=HOUR_MS,
        OTEL_BSP_MAX_QUEUE_SIZE="10",
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE="2",
    )

    found.send(25)
    assert found.counted == {"dropped": 15}

    # It would wait for an hour if it waited for the collector.
    ending = threading.Thread(target=found.stop, daemon=True)
    ending.start()
    ending.join(20)
    assert not ending.is_alive()
    assert found.counted == {"dropped": 25}
    found.send()
    assert found.counted == {"dropped": 26}


def test_of_a_slow_collector_every_span_is_counted_as_taken_or_lost(
    export: Callable[..., Export], collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    relay = Relay(collector.port).start()
    relay.delay_seconds = 0.1
    found = export(
        f"http://127.0.0.1:{relay.port}",
        OTEL_BSP_MAX_QUEUE_SIZE="10",
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE="5",
    )
    try:
        found.send(500)
        wait_until(lambda: found.counted.total() == 500, what="every span was counted")
    finally:
        relay.stop()

    assert found.counted["exported"] >= 10
    assert said(caplog)[0] == LOST
    assert vars(caplog.records[0])["reason"] == "more spans than the collector takes"
    assert len(said(caplog)) <= 2


def test_what_waits_is_sent_at_the_end(export: Callable[..., Export], collector: Collector) -> None:
    found = export(collector.url, OTEL_BSP_SCHEDULE_DELAY=HOUR_MS)
    found.send(3)
    assert not found.counted

    found._export.stop(60)

    assert found.counted == {"exported": 3}


@pytest.mark.parametrize("compression", ["gzip", "deflate"])
def test_a_collector_that_refuses_is_named_with_its_status(
    export: Callable[..., Export], collector: Collector, caplog: pytest.LogCaptureFixture, compression: str
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "a-key-of-the-collector"
    found = export(
        f"{collector.url}/nothing-is-here",
        OTEL_EXPORTER_OTLP_HEADERS=f"x-key={secret}",
        OTEL_EXPORTER_OTLP_COMPRESSION=compression,
    )
    found.send()
    wait_until(lambda: found.counted["dropped"] == 1, what="a span was refused")

    (record,) = [each for each in caplog.records if each.name == "filewallball.traces"]
    assert vars(record)["reason"] == "HTTP 404"
    assert secret not in caplog.text


@pytest.mark.parametrize(
    ("answer", "counted", "reason"),
    [
        (Answer("307 Temporary Redirect", b"", "Location: http://127.0.0.1:1/"), {"dropped": 3}, "HTTP 307"),
        (Answer("304 Not Modified"), {"dropped": 3}, "HTTP 304"),
        (
            Answer("200 OK", rejecting(2), PROTOBUF),
            {"exported": 1, "dropped": 2},
            "the collector rejected some spans",
        ),
        (Answer("200 OK", b"\xff no message", PROTOBUF), {"exported": 3}, ""),
        (Answer("200 OK", b"a" * (1 << 20), PROTOBUF), {"exported": 3}, ""),
        (Answer("200 OK", b"a" * 4000, "", pause_seconds=0.05), {"dropped": 3}, "TookTooLong"),
        (Answer("503 Busy", b"", "Retry-After: 1000"), {"dropped": 3}, "HTTP 503"),
    ],
    ids=["redirection", "nothing new", "partial success", "unreadable", "long", "slow in its body", "busy"],
)
def test_only_what_a_collector_says_it_took_counts_as_exported(
    export: Callable[..., Export],
    caplog: pytest.LogCaptureFixture,
    answer: Answer,
    counted: dict[str, int],
    reason: str,
) -> None:
    with AnsweringCollector(answer) as server:
        found = export(server.url, OTEL_EXPORTER_OTLP_TIMEOUT="500", OTEL_BSP_SCHEDULE_DELAY="300")
        found.send(3)
        wait_until(lambda: found.counted.total() == 3, what="spans were taken or lost")
        found.stop()

    assert found.counted == counted
    assert [vars(record)["reason"] for record in caplog.records] == ([reason] if reason else [])


def test_no_more_of_an_answer_is_read_than_a_collector_has_to_say(export: Callable[..., Export]) -> None:
    with AnsweringCollector(Answer("200 OK", b"a" * (64 << 20))) as server:
        found = export(server.url)
        found.send()
        wait_until(lambda: found.counted["exported"] == 1, what="a span was taken")
        wait_until(lambda: server.was_cut_off, what="the connection was closed")


def test_the_settings_of_the_collector_win_over_those_of_the_library_and_of_other_programs(
    export: Callable[..., Export],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "netrc"))
    with AnsweringCollector(Answer("200 OK")) as server:
        found = export(server.url, OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20a-key-of-the-collector")
        found.send()
        wait_until(lambda: found.counted["exported"] == 1, what="a span was taken")
    assert b"Bearer a-key-of-the-collector" in server.asked[0]

    untrusted = export("https://127.0.0.1:1", OTEL_EXPORTER_OTLP_CERTIFICATE=str(tmp_path / "missing"))
    untrusted.send()
    wait_until(lambda: untrusted.counted["dropped"] == 1, what="a span was lost")
    assert [vars(record)["reason"] for record in caplog.records] == ["a file of certificates cannot be found"]


def test_certificates_are_those_of_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "certificates").touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificates"))
    settings = load_settings({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://x"})

    session = Session(settings)
    sender(settings, session)

    assert session.verify == str(tmp_path / "certificates")


def test_a_wrong_variable_of_the_library_ends_no_process() -> None:
    program = (
        "from filewallball import create_app; from filewallball.settings.loading import load_settings;"
        " from filewallball.registry import part; from filewallball.observability.tracing.tracing import Tracing;"
        " found = part(Tracing, create_app(load_settings())); found.start(); found.stop(); print('started')"
    )
    environ = {
        "PATH": "/usr/bin:/bin",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x",
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "many",
        "OTEL_PYTHON_METER_PROVIDER": "none_of_this_name",
    }

    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout == "started\n"


def test_without_a_collector_nothing_of_the_library_is_loaded() -> None:
    program = (
        "import sys; from filewallball import create_app; from filewallball.settings.loading import load_settings;"
        " from filewallball.registry import part; from filewallball.observability.tracing.tracing import Tracing;"
        " app = create_app(load_settings()); part(Tracing, app).start();"
        " print([name for name in sys.modules if 'opentelemetry' in name or 'protobuf' in name])"
    )
    environ = {
        "PATH": "/usr/bin:/bin",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x",
        "OTEL_SDK_DISABLED": "true",
    }

    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout == "[]\n"
