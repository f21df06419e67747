"""Uploading in the console: many files, large ones, refusals, and what breaks on the way."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.console.visitor import Visitor

_SECONDS = 10
"""So long a large file would take."""
_STATES = "return [...document.querySelectorAll('.transfer')].map((each) => each.dataset.state)"
_RESULTS = "return [...document.querySelectorAll('.transfer')].map((each) => each.innerText)"


def states(visitor: Visitor) -> list[str]:
    """The state of each upload on the list."""
    return list(visitor.browser.evaluate(_STATES))


def await_done(visitor: Visitor, number: int) -> None:
    """Wait until so many uploads are done, and none is anything else."""
    everything = ["done"] * number
    visitor.until_true(lambda: states(visitor) == everything, f"{number} uploads are done", 60 + number)


def pick(visitor: Visitor, *paths: Path) -> None:
    """Pick files, as a person does in the dialog of the browser."""
    visitor.browser.type("input[name=files]", "\n".join(map(str, paths)))


def test_a_folder_goes_up_whole(visitor: Visitor, tmp_path: Path, rounds: Callable[[int, int], int]) -> None:
    number = rounds(50, 500)
    folder = tmp_path / "holiday pictures"
    for place in range(number):
        sub = folder / f"day {place % 5}"
        sub.mkdir(parents=True, exist_ok=True)
        (sub / f"note {place:03}.txt").write_text(f"Day {place % 5}, note {place}.\n" * (place + 1))
    visitor.open("")
    visitor.faults()  # of other tests

    visitor.browser.type("input[name=folder]", str(folder))
    await_done(visitor, number)

    visitor.sees(f"{number} files uploaded", "holiday pictures/day 0/note 000.txt")
    found = visitor.ask("GET", "/files", params={"name": "note ", "size": 500}).json()["files"]
    sizes = {file["filename"]: file["file_size"] for file in found}
    sent = {path.name: path.stat().st_size for path in folder.rglob("*.txt")}
    assert sent.items() <= sizes.items()
    assert visitor.faults() == []


def test_what_is_dropped_is_walked_through(visitor: Visitor) -> None:
    visitor.open("")

    visitor.browser.evaluate(
        "const transfer = new DataTransfer(); transfer.items.add(new File(['dropped'], 'dropped.txt')); "
        "for (const kind of ['dragover', 'drop']) document.querySelector('.drop').dispatchEvent("
        "new DragEvent(kind, {dataTransfer: transfer, bubbles: true, cancelable: true}))"
    )

    await_done(visitor, 1)
    assert "dropped.txt" in visitor.browser.evaluate(_RESULTS)[0]


def test_options_are_kept_over_a_reload_and_hold_for_what_is_sent(visitor: Visitor, tmp_path: Path) -> None:
    (tmp_path / "plan.txt").write_text("the plan")
    visitor.open("")
    visitor.choose("select[name=visibility]", "private")
    visitor.choose("select[name=expires_in]", "7d")
    visitor.browser.type("input[name=description]", "For <us> alone")
    visitor.browser.visit(f"{visitor.service.url}/console/")
    visitor.await_view()

    pick(visitor, tmp_path / "plan.txt")
    await_done(visitor, 1)

    file = visitor.ask("GET", "/files", params={"name": "plan.txt"}).json()["files"][0]
    assert (file["visibility"], file["description"]) == ("private", "For <us> alone")
    assert file["expires_at"] is not None
    assert "Copy link" not in visitor.browser.text()  # it would open to nobody else
    visitor.click_text("Make a link")
    visitor.until("return Boolean(document.querySelector('dialog [name=password]'))", "the form of a link")


def test_a_refusal_is_told_in_words_and_can_be_tried_again(visitor: Visitor, tmp_path: Path) -> None:
    (tmp_path / "fine.txt").write_text("fine")
    user = visitor.ask("GET", "/api/v1/access/me").json()["user_id"]
    quota = f"/api/v1/access/quotas/users/{user}"
    visitor.open("")
    assert visitor.ask("PUT", quota, "admin", json={"limit_bytes": 1}).ok
    try:
        pick(visitor, tmp_path / "fine.txt")
        visitor.until_true(lambda: states(visitor) == ["refused"], "it is refused")
        visitor.sees("Your quota leaves no room for this")
    finally:
        visitor.ask("PUT", quota, "admin", json={"limit_bytes": None})

    visitor.click(".transfer [aria-label^='Go on']")

    await_done(visitor, 1)


def test_nobody_keeps_what_deletes_the_file_again(visitor: Visitor, tmp_path: Path) -> None:
    (tmp_path / "anonymous.txt").write_text("by nobody")
    visitor.open("", user=None)

    pick(visitor, tmp_path / "anonymous.txt")
    await_done(visitor, 1)

    kept = visitor.browser.evaluate(
        "return Object.entries(sessionStorage).filter(([name]) => name.startsWith('fwb.delete.'))"
    )
    ((name, token),) = kept
    path = f"/files/{name.removeprefix('fwb.delete.')}"
    assert visitor.service.request("DELETE", path, headers={"X-Delete-Token": token}).status_code == 204


def test_a_token_that_ends_holds_the_rest_up_until_its_owner_is_back(
    visitor: Visitor, tmp_path: Path
) -> None:
    names = [f"held up {number}.bin" for number in range(12)]
    for name in names:
        (tmp_path / name).write_bytes(name.encode() * 10_000)
    me = visitor.ask("GET", "/api/v1/access/me").json()
    next_token = {"user_id": me["user_id"], "name": "the next"}
    second = visitor.ask("POST", "/api/v1/access/tokens", "admin", json=next_token).json()["token"]
    visitor.open("")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 300_000}
    visitor.browser.command_page("Network.enable", {})
    visitor.browser.command_page("Network.emulateNetworkConditions", slow)
    try:
        pick(visitor, *(tmp_path / name for name in names))
        visitor.until_true(lambda: "done" in states(visitor), "one is done")
        assert visitor.ask("DELETE", f"/api/v1/access/tokens/{me['token_id']}", "admin").ok
        visitor.sees("This token was revoked", "waits until you sign in again")
    finally:
        visitor.browser.command_page("Network.emulateNetworkConditions", {**slow, "uploadThroughput": -1})

    visitor.browser.type("dialog input[name=token]", second)
    visitor.browser.press("Enter")
    await_done(visitor, len(names))

    owned = {"name": "held up", "owner": visitor.name}
    assert visitor.ask("GET", "/files", "admin", params=owned).json()["total"] == len(names)


@pytest.fixture
def large_bytes() -> int:
    """The bytes of a large file."""
    return 256 * 1024 * 1024


def test_a_large_file_goes_on_after_a_killed_worker_and_after_a_reload(
    visitor: Visitor, tmp_path: Path, large_bytes: int
) -> None:
    large = tmp_path / "recording.bin"
    with large.open("wb") as file:
        file.write(b"the beginning")
        file.truncate(large_bytes)
    visitor.open("")
    rate = large_bytes // _SECONDS
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": rate}
    visitor.browser.command_page("Network.enable", {})
    visitor.browser.command_page("Network.emulateNetworkConditions", slow)

    pick(visitor, large)
    _await_received(visitor, 1)
    for pid in visitor.service.worker_pids():
        visitor.service.kill_worker(pid)
    before = _received(visitor)
    _await_received(visitor, before + 1)
    visitor.browser.command_page("Page.enable", {})
    visitor.browser.evaluate(
        "window.addEventListener('beforeunload', (event) => event.stopImmediatePropagation(), true)"
    )
    visitor.browser.visit(f"{visitor.service.url}/console/")
    visitor.sees("1 upload is unfinished", "recording.bin")
    kept = _received(visitor)
    visitor.browser.command_page("Network.emulateNetworkConditions", {**slow, "uploadThroughput": -1})
    pick(visitor, large)
    await_done(visitor, 1)

    assert kept > 0
    (file,) = visitor.ask("GET", "/files", params={"name": "recording.bin"}).json()["files"]
    assert file["file_size"] == large_bytes
    assert visitor.ask("GET", "/api/v1/uploads").json()["total"] == 0
    row = visitor.ask(
        "GET", "/api/v1/audit/logs", "admin", params={"action": "file:upload", "resource_id": file["file_id"]}
    )
    assert row.json()["logs"][0]["details"]["pauses"] >= 2


def _received(visitor: Visitor) -> int:
    """The bytes that are kept of the one unfinished upload, 0 while there is none."""
    uploads = visitor.ask("GET", "/api/v1/uploads").json()["uploads"]
    return int(uploads[0]["offset"]) if uploads else 0


def _await_received(visitor: Visitor, least: int) -> None:
    visitor.until_true(lambda: _received(visitor) >= least, f"{least} bytes are kept")


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>.txt", "\"'><script>alert(1)<.script>.txt"])
def test_a_name_is_text(visitor: Visitor, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("harmless")
    visitor.open("")
    visitor.faults()  # of other tests

    pick(visitor, tmp_path / name)
    await_done(visitor, 1)

    assert name in visitor.browser.evaluate(_RESULTS)[0]
    assert visitor.browser.evaluate("return document.querySelectorAll('main img, main script').length") == 0
    assert visitor.faults() == []
