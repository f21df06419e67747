"""A test of a channel against what Alertmanager, or something else in its place, shows of its deliveries."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from filewallball.observability.samples import total
from filewallball.ops.channel_trial import AlertmanagerSilent, try_channel

_SENT = "alertmanager_notification_requests_total"
_METRICS = f"""
# HELP {_SENT} The total number of attempted notification requests.
# TYPE {_SENT} counter
{_SENT}{{integration="email",receiver_name="a {{team}}, \\"quoted\\""}} 2
{_SENT}{{integration="email",receiver_name="b"}} 1
{_SENT}{{integration="slack",receiver_name="integration=\\"email\\""}} 40
alertmanager_notification_requests_failed_total{{integration="email"}} %d
"""


def test_deliveries_are_summed_over_what_else_they_are_told_apart_by() -> None:
    assert total(_METRICS % 0, _SENT, integration="email") == 3
    assert total(_METRICS % 0, _SENT) == 43
    assert total(_METRICS % 0, _SENT, integration="pagerduty") == 0


@pytest.mark.parametrize("text", ["<html></html>", "name{", "{, =.#,a,LP1,", "name one"])
def test_what_is_no_scrape_is_told_from_one_without_samples(text: str) -> None:
    assert total("", _SENT) == 0
    with pytest.raises(ValueError):  # noqa: PT011 - the parser has many words for it
        total(text, _SENT)


def test_a_channel_that_takes_nothing_is_told() -> None:
    shown = iter([_METRICS % 0, _METRICS % 0, _METRICS % 1])
    with _alertmanager(lambda: next(shown)) as url:
        assert try_channel(url, "email", 30) is False


@pytest.mark.parametrize("text", ["<html>Sign in</html>", f'{_SENT}{{integration="email"}} Inf'])
def test_something_else_in_alertmanagers_place_is_told(text: str) -> None:
    with _alertmanager(lambda: text) as url, pytest.raises(AlertmanagerSilent, match="shows no metrics"):
        try_channel(url, "email", 30)


@contextmanager
def _alertmanager(metrics: Callable[[], str]) -> Iterator[str]:
    """A server that takes alerts and shows the given metrics."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(metrics().encode())

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(b"")

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
