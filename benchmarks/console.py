"""The console's audit log over a long log, in a browser: from the click to the drawn page, and how much of that is the
service's answer; and the processor time of the page, which other work on the machine changes least.

`python -m benchmarks.console --rows 10000000 --pool 4096` is the size that the target is about; MariaDB makes the rows
as for `benchmarks.audit`, and with `--keep FOLDER` they stay for the next run. A page is drawn when its first rows are,
which fill the window; the next click comes when the rest of them is there as well.
"""

import argparse
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.history import DAY_US, DAYS, LargeMariaDB, Size, open_history, service_settings
from filewallball.clock import now_us, rfc3339
from filewallball.web import paging
from harness.parts import Parts
from harness.servers import Browser, Service
from harness.waiting import wait_until

_TARGET_MS = 200
_TOKEN = "fwb_the-administrator-of-the-benchmark-of-the-console"
_GO = """
return (async (address) => {
  const answers = () => performance.getEntriesByType("resource").filter(({ name }) => name.includes("/audit/logs"));
  const frame = () => new Promise(requestAnimationFrame);
  performance.clearResourceTimings();
  const began = performance.now();
  history.pushState({}, "", address);
  dispatchEvent(new PopStateEvent("popstate"));
  while (!answers().length || document.querySelector(".loaded[aria-busy=true], .skeleton")) await frame();
  await frame();
  const drawn = performance.now() - began;
  await frame();
  await new Promise((resolve) => setTimeout(resolve));
  await new Promise(requestIdleCallback);
  const { startTime, responseEnd } = answers()[0];
  return [drawn, responseEnd - startTime, document.querySelectorAll("tbody tr").length];
})(arguments[0]);
"""


def main() -> None:
    """Print the median and the 95th percentile of each page."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="filewallball-console-") as name:
        folder = Path(name)
        with _service(folder, options) as service, _browser(folder, service) as browser:
            print(
                f"{'page':<32} {'median':>8} {'p95':>8} {'answer':>8} {'cpu':>8} {'rows':>5}   target {_TARGET_MS} ms"
            )
            for label, queries in _pages(options.runs).items():
                _measure(browser, label, queries)


def _measure(browser: Browser, label: str, queries: list[dict[str, str]]) -> None:
    """Each query once, none of which was asked before."""
    used, found = [], []
    for query in queries:
        before = _processor_ms(browser)
        found.append(browser.evaluate(_GO, f"/console/audit?{urlencode(query)}"))
        used.append(_processor_ms(browser) - before)
    drawn, answered, rows = zip(*found, strict=True)
    p95 = statistics.quantiles(drawn, n=20)[-1]
    report = "reached" if p95 <= _TARGET_MS else "missed"
    print(
        f"{label:<32} {statistics.median(drawn):>5.0f} ms {p95:>5.0f} ms {statistics.median(answered):>5.0f} ms "
        f"{statistics.median(used):>5.0f} ms {max(rows):>5}   {report}",
        flush=True,
    )


def _processor_ms(browser: Browser) -> float:
    """The processor time of the page's main thread until now."""
    told = browser.command_page("Performance.getMetrics", {})["metrics"]
    return 1000 * next(float(each["value"]) for each in told if each["name"] == "TaskDuration")


def _pages(runs: int) -> dict[str, list[dict[str, str]]]:
    """Queries by what they ask for: each page at another place of the log, so that no answer is known already."""
    start = now_us() - DAYS * DAY_US
    places = [start + DAYS * DAY_US * (number + 1) // (runs + 1) for number in range(runs)]
    cursors = [paging.encode(place, 1 << 60) for place in places]
    until = [rfc3339(place) for place in places]
    return {
        "a cursor anywhere, 50 rows": [{"cursor": cursor} for cursor in cursors],
        "a cursor anywhere, 500 rows": [{"cursor": cursor, "size": "500"} for cursor in cursors],
        "until a moment": [{"date_to": moment} for moment in until],
        "action, until a moment": [{"action": "file:upload", "date_to": moment} for moment in until],
        "verb, until a moment": [{"action": "read", "date_to": moment} for moment in until],
        "failed, until a moment": [{"status": "failed", "date_to": moment} for moment in until],
        "one user": [{"user_id": str(number + 1)} for number in range(runs)],
        "one address": [{"ip_address": f"10.0.{number % 8}.{number}"} for number in range(runs)],
        "one error, until a moment": [{"error_type": "storage_full", "date_to": moment} for moment in until],
        "text within an hour": [_text_before(place) for place in places],
    }


def _text_before(place: int) -> dict[str, str]:
    end = datetime.fromtimestamp(place / 1e6, UTC)
    return {
        "q": "holiday",
        "date_from": (end - timedelta(hours=1)).isoformat(),
        "date_to": end.isoformat(),
    }


@contextmanager
def _service(folder: Path, options: argparse.Namespace) -> Iterator[Service]:
    keep: Path = options.keep or folder
    server = LargeMariaDB(keep / "server", options.pool)
    server.start()
    try:
        parts: Parts = open_history(server, keep / f"rows_{options.rows}", Size(options.rows))
        service = Service(folder / "service", {**service_settings(parts), "ADMIN_TOKEN": _TOKEN})
        service.start()
        try:
            yield service
        finally:
            service.kill()
    finally:
        server.stop()


@contextmanager
def _browser(folder: Path, service: Service) -> Iterator[Browser]:
    browser = Browser(folder / "browser")
    browser.start()
    try:
        browser.resize(1440)
        browser.visit(f"{service.url}/health/live")
        browser.evaluate("sessionStorage.setItem('fwb.token', arguments[0])", _TOKEN)
        browser.visit(f"{service.url}/console/audit")
        there = "return document.querySelectorAll('tbody tr').length > 0"
        wait_until(lambda: browser.evaluate(there), 60, "the audit log is shown")
        browser.command_page("Performance.enable", {"timeDomain": "threadTicks"})
        yield browser
    finally:
        browser.stop()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000, help="rows of the log")
    parser.add_argument("--runs", type=int, default=30, help="pages of each kind")
    parser.add_argument("--pool", type=int, default=1024, help="MariaDB's buffer pool, MiB")
    parser.add_argument("--keep", type=Path, help="a folder for the database, kept for the next run")
    return parser.parse_args()


if __name__ == "__main__":
    main()
