"""The audit log in the browser: filters, pages, rows that open, export, the story of a request."""

from harness.waiting import wait_until
from tests.console.operations.activity import Activity
from tests.console.operations.operator_browser import OperatorBrowser


def test_filters_are_in_the_address_and_survive_a_reload(page: OperatorBrowser) -> None:
    page.open("audit")
    page.fill("action", "file:upload")
    page.fill("status", "failed")
    page.click("form.narrowing [type=submit]")
    page.wait_for_address("action=file%3Aupload")
    page.wait_until_ready()
    page.wait_gone("tbody td", "user:create")

    assert set(page.texts("tbody tr td:nth-child(4)")) == {"digest_mismatch"}
    page.reload()
    assert page.evaluate("return document.querySelector('[name=status]').value") == "failed"
    assert set(page.texts("tbody tr td:nth-child(4)")) == {"digest_mismatch"}


def test_a_filter_that_is_refused_says_why_beside_the_field(page: OperatorBrowser) -> None:
    page.open("audit")
    page.fill("ip_address", "not an address")
    page.click("form.narrowing [type=submit]")

    page.wait_for(".field small[data-tone=danger]", "Not an IP address or network")
    assert page.violations() == []


def test_a_time_means_the_readers_own(page: OperatorBrowser) -> None:
    page.open("audit?date_from=2026-01-02T03:04:05.678Z&date_to=2026-01-02T04:00:00Z")
    shown = page.evaluate("return document.querySelector('[name=date_from]').value")
    meant = page.evaluate("return new Date(arguments[0]).toISOString()", shown)

    assert meant == "2026-01-02T03:04:05.000Z"
    page.click("form.narrowing [type=submit]")
    page.wait_until_ready()
    assert "03%3A04%3A05.678Z" in page.address


def test_pages_follow_each_other_and_back_leads_back(page: OperatorBrowser, activity: Activity) -> None:
    for _ in range(60):
        activity.ask("GET", "/files")
    page.open("audit?action=file:list&size=50")
    first = page.rows()
    page.click_text(".pager button", "Next")
    page.wait_gone(f"tbody tr[data-key='{first[0]}']")
    second, address = page.rows(), page.address

    page.go_back()
    page.wait_for(f"tbody tr[data-key='{first[-1]}']")

    assert len(first) == 50
    assert "cursor=" in address
    assert second
    assert set(second).isdisjoint(first)
    assert page.rows() == first


def test_a_row_opens_by_keyboard_and_gives_the_focus_back(page: OperatorBrowser) -> None:
    page.open("audit?action=block:add")
    page.evaluate("document.querySelector('tbody tr').focus()")
    page.press("ArrowDown", "Enter")
    page.wait_for("dialog h2", "block:add")
    opened = page.address
    page.press("Escape")
    page.wait_gone("dialog")

    assert "open=" in opened
    assert "open=" not in page.address
    assert page.evaluate("return document.activeElement === document.querySelectorAll('tbody tr')[1]")


def test_rows_are_counted_when_asked(page: OperatorBrowser) -> None:
    page.open("audit?action=user:create")
    rows = len(page.texts("tbody tr"))
    page.click_text(".list-foot button", "Count all")

    page.wait_for(".list-foot [role=status]", f"{rows} rows")


def test_what_is_shown_is_exported(page: OperatorBrowser) -> None:
    page.open("audit?action=block:add")
    rows = page.texts("tbody tr")
    page.click_text(".page-actions button", "Export")
    lines = page.downloaded(".csv").splitlines()

    assert lines[0].startswith("id,")
    assert len([line for line in lines if "block:add" in line]) == len(rows)


def test_the_story_of_a_request_tells_its_error_and_its_seal(page: OperatorBrowser) -> None:
    page.open("audit?error_type=digest_mismatch")
    page.click("tbody tr")
    page.click_text("dialog a", "Story of this request")
    page.wait_for_address("audit/req_")
    page.wait_until_ready()
    page.wait_for(".story", "does not match its declared digest")

    assert "the caller's doing" in "".join(page.texts(".story .note"))
    assert "Sealed" in "".join(page.texts(".story"))
    assert page.violations() == []
    page.reload()
    page.wait_for(".story", "digest_mismatch")


def test_rows_stay_as_they_are_while_others_are_asked_for(page: OperatorBrowser) -> None:
    page.open("audit")
    wraps = "return getComputedStyle(document.querySelector('tbody td')).whiteSpace"
    at_rest = page.evaluate(wraps)
    page.evaluate("document.querySelector('.loaded').setAttribute('aria-busy', 'true')")

    assert page.evaluate(wraps) == at_rest


def test_a_long_page_is_drawn_to_its_end(page: OperatorBrowser, activity: Activity) -> None:
    for _ in range(61):
        activity.ask("GET", "/api/v1/access/me")
    page.open("audit?action=user:describe&size=100")

    wait_until(lambda: len(page.rows()) > 60, 60, "the rows after the first are drawn")
    assert len(set(page.rows())) == len(page.rows())
