"""Files in the console: finding, looking and changing; by the keyboard alone."""

from functools import partial

from harness.hostile_text import HOSTILE_TEXTS
from tests.console.own_files import ROWS, is_listed, is_there, upload
from tests.console.visitor import Visitor

_SAVED_ON_TOP = (
    "const { x, y, width, height } = document.querySelector('.toast')?.getBoundingClientRect() ?? {}; "
    "const top = x && document.elementFromPoint(x + width / 2, y + height / 2); "
    "return Boolean(top?.closest('.toast')?.innerText.includes('Saved'))"
)


def test_filters_are_part_of_the_address_and_the_way_back(visitor: Visitor) -> None:
    wanted = upload(visitor, "seldom named zebra.txt")
    visitor.open("files")

    visitor.browser.type("input[name=name]", "zebra")
    visitor.until_true(lambda: visitor.browser.evaluate(ROWS) == [wanted["file_id"]], "one row is left")
    address = visitor.browser.evaluate("return location.search")
    visitor.click("main .file-name")
    visitor.sees("SHA-256", wanted["file_hash"])
    visitor.browser.evaluate("history.back()")
    visitor.until("return !document.querySelector('dialog')", "the details are closed")

    assert address == "?name=zebra"
    assert visitor.browser.evaluate("return location.search") == address
    assert visitor.browser.evaluate(ROWS) == [wanted["file_id"]]


def test_files_are_found_by_their_owner_and_after_they_expired(visitor: Visitor) -> None:
    mine = upload(visitor, "owned by the visitor.txt", visibility="public", expires_in="1s")
    data = {"visibility": "public"}
    other = visitor.ask(
        "POST", "/upload", "admin", files={"file": ("owned by admin.txt", b"")}, data=data
    ).json()
    own = upload(visitor, "owned by the visitor still.txt")
    expired = {"name": "owned by", "expired": "true"}
    visitor.until_true(lambda: visitor.ask("GET", "/files", params=expired).json()["files"], "it has expired")
    visitor.open("files?name=owned+by")
    visitor.until_true(partial(is_listed, visitor, other), "those of others are listed")

    visitor.choose("select[name=owner]", "me")
    visitor.until_true(lambda: visitor.browser.evaluate(ROWS) == [own["file_id"]], "those of others are not")
    visitor.open("files?name=owned+by", user="admin")
    visitor.click("input[name=owner]")
    visitor.browser.type("input[name=owner]", visitor.name)
    visitor.browser.press("Enter")
    visitor.until_true(lambda: visitor.browser.evaluate(ROWS) == [own["file_id"]], "the visitor's are listed")
    visitor.click_text("More filters")
    visitor.choose("select[name=expired]", "true")
    visitor.until_true(
        lambda: visitor.browser.evaluate(ROWS) == [mine["file_id"]], "what has expired is listed"
    )
    visitor.click("main .file-name")

    visitor.sees("It has expired", "History")
    assert f"owner={visitor.name}&expired=true" in visitor.browser.evaluate("return location.search")


def test_administrators_see_whose_each_file_is(visitor: Visitor) -> None:
    file = upload(visitor, "whose is this.txt")
    visitor.open("files?name=whose+is", user="admin")

    visitor.click("td[data-label=Owner] a")

    visitor.until(f"return location.search.includes('owner={visitor.name}')", "it is those of its owner")
    assert visitor.browser.evaluate(ROWS) == [file["file_id"]]
    visitor.open("files?name=whose+is")
    assert is_listed(visitor, file)
    assert not visitor.browser.evaluate("return document.querySelector('td[data-label=Owner]')")


def test_pages_lead_on_and_back(visitor: Visitor) -> None:
    for number in range(51):
        upload(visitor, f"one of many {number:02}.txt")
    visitor.open("files?name=one+of+many")
    first = visitor.browser.evaluate(ROWS)

    visitor.click_text("Next")
    visitor.until_true(lambda: len(visitor.browser.evaluate(ROWS)) == 1, "the second page is seen")
    second = visitor.browser.evaluate(ROWS)
    visitor.browser.evaluate("location.reload()")
    visitor.until_true(lambda: visitor.browser.evaluate(ROWS) == second, "a reload shows the same")
    visitor.click("main .file-name")
    visitor.sees("SHA-256")
    visitor.click("dialog [aria-label=Close]")
    visitor.until("return !document.querySelector('dialog')", "the details are closed")
    visitor.click_text("Previous")
    visitor.until_true(lambda: visitor.browser.evaluate(ROWS) == first, "the first page is back")

    assert len(set(first) | set(second)) == 51


def test_headings_sort_the_whole_list(visitor: Visitor) -> None:
    files = [upload(visitor, f"{letter} to be sorted.txt") for letter in "bca"]
    visitor.open("files?name=to+be+sorted")

    visitor.click("th:nth-child(2) button")
    by_name = [files[place]["file_id"] for place in (2, 0, 1)]
    visitor.until_true(lambda: visitor.browser.evaluate(ROWS) == by_name, "sorted by name")
    visitor.click("th:nth-child(2) button")
    visitor.until_true(lambda: visitor.browser.evaluate(ROWS) == by_name[::-1], "and the other way round")

    assert "sort=-name" in visitor.browser.evaluate("return location.search")


def test_a_change_is_saved_and_stands_in_the_history(visitor: Visitor) -> None:
    file = upload(visitor, "draft.txt")
    visitor.open(f"files/{file['file_id']}")

    visitor.click_text("Edit")
    visitor.click("dialog input[name=file_name]")
    visitor.browser.clear("dialog input[name=file_name]")
    visitor.browser.type("dialog input[name=file_name]", "final.txt")
    visitor.choose("dialog select[name=visibility]", "private")
    visitor.click_text("Save")
    visitor.until(_SAVED_ON_TOP, "a note that nothing covers says so")
    visitor.sees("final.txt")
    visitor.choose("dialog select.small-select", "changes")
    visitor.sees("draft.txt → final.txt", "unlisted → private")

    changed = visitor.ask("GET", f"/files/{file['file_id']}").json()
    assert (changed["filename"], changed["visibility"]) == ("final.txt", "private")


def test_the_address_of_a_file_is_shared_as_text_and_to_be_scanned(visitor: Visitor) -> None:
    data = {"visibility": "public"}
    file = visitor.service.request(
        "POST", "/upload", files={"file": ("for all.txt", b"all")}, data=data
    ).json()
    visitor.open(f"files/{file['file_id']}", user=None)
    visitor.click_text("Share")

    address = visitor.until("return document.querySelector('dialog .secret input')?.value", "its address")
    visitor.until("return Boolean(document.querySelector('dialog .qr svg'))", "its code")

    assert visitor.service.request("GET", address.removeprefix(visitor.service.url)).content == b"all"
    visitor.sees("Who signs in can make links")
    assert not visitor.browser.evaluate("return document.querySelector('nav a[href$=\"/links\"]')")
    visitor.open(f"files/{file['file_id']}", user="admin")
    visitor.sees("Nobody: uploaded without a token")


def test_a_wrong_clock_changes_nothing_but_the_readers_own_time(visitor: Visitor) -> None:
    upload(visitor, "soon over.txt", expires_in="210m")
    shift = "const now = Date.now; Date.now = () => now() - 86_400_000"
    script = visitor.browser.command_page("Page.addScriptToEvaluateOnNewDocument", {"source": shift})
    try:
        visitor.open("files?name=soon+over")
        visitor.until("return document.body.innerText.includes('soon over.txt')", "its row")
        shown = visitor.browser.text()
    finally:
        visitor.browser.command_page("Page.removeScriptToEvaluateOnNewDocument", script)

    assert "in 3 hr." in shown, shown


def test_a_private_picture_is_seen_without_a_token_in_its_address(visitor: Visitor) -> None:
    picture = visitor.samples.files[4]
    visitor.browser.requested()
    visitor.open(f"files/{picture['file_id']}", "mina")

    visitor.until(
        "const image = document.querySelector('dialog .thumbnail img'); return Boolean(image?.naturalWidth)",
        "the picture is there",
    )

    asked = visitor.browser.requested()
    assert any("thumbnail" in url and "/t/" in url for url in asked)
    assert not any(visitor.samples.tokens["mina"] in url for url in asked)


def test_a_picture_that_a_busy_service_refused_is_asked_for_again(visitor: Visitor) -> None:
    picture = visitor.samples.files[3]
    visitor.browser.command_page("Network.enable", {})
    visitor.browser.command_page("Network.setBlockedURLs", {"urls": ["*/thumbnail/*"]})
    try:
        visitor.open(f"files/{picture['file_id']}")
        visitor.until(
            "return performance.getEntriesByType('resource').some((each) => each.name.includes('/thumbnail/'))",
            "it is asked for",
        )
        missing = visitor.browser.evaluate(
            "return !document.querySelector('dialog .thumbnail img')?.naturalWidth"
        )
    finally:
        visitor.browser.command_page("Network.setBlockedURLs", {"urls": []})

    assert missing
    visitor.until(
        "return Boolean(document.querySelector('dialog .thumbnail img')?.naturalWidth)",
        "the picture is there",
    )
    visitor.faults()  # what was blocked


def test_the_keyboard_is_enough(visitor: Visitor) -> None:
    file = upload(visitor, "reached by keys.txt")
    visitor.open("files?name=reached+by+keys")
    visitor.browser.evaluate("document.querySelector('main h1').focus()")

    _tab_to(visitor, "tr[data-key]")
    visitor.browser.press("Space")
    visitor.sees("1 selected")
    visitor.browser.press("Space", "Enter")
    visitor.sees(file["file_hash"])
    _tab_to(visitor, "dialog [data-kind=danger]")
    visitor.browser.press("Enter")
    visitor.until_true(partial(is_listed, visitor, file, expected=False), "it is off the list")
    visitor.leave()

    visitor.until_true(lambda: not is_there(visitor, file), "it is deleted")


def test_hostile_text_is_text(visitor: Visitor) -> None:
    paths = ["files?name=hostile", "links"]
    for text in HOSTILE_TEXTS:
        file = upload(visitor, f"hostile {text}.txt", description=text)
        link = visitor.ask("POST", "/api/v1/links", json={"file_id": file["file_id"], "name": text}).json()
        paths += [f"files/{file['file_id']}", f"links/{link['link_id']}"]
    visitor.open("files")
    visitor.faults()

    for path in paths:
        visitor.go(path)
        visitor.until("return document.querySelectorAll('tr, dialog dt').length > 1", path)
        if path == "links":
            visitor.sees(*HOSTILE_TEXTS)

    assert visitor.browser.evaluate("return window.hostile ?? null") is None
    made = "return document.querySelectorAll('#app script, iframe, [onload], [onerror]').length"
    assert visitor.browser.evaluate(made) == 0
    assert visitor.faults() == []


def _tab_to(visitor: Visitor, selector: str) -> None:
    """Press Tab until the focus is on such an element."""
    for _ in range(60):
        visitor.browser.press("Tab")
        if visitor.browser.evaluate("return document.activeElement.matches(arguments[0])", selector):
            return
    raise AssertionError(f"no Tab leads to {selector}")
