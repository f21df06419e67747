"""Every page that operators read, in both languages and themes, on a phone and on a desk; and who may see it."""

from collections.abc import Callable
from itertools import product

import pytest

from tests.console.operations.activity import CLIENT, MARKUP, Activity
from tests.console.operations.operator_browser import OperatorBrowser

PAGES = (
    *("overview", "overview?days=30&order=bytes", f"overview?client={CLIENT}&days=7"),
    *("audit", "audit?status=denied&date_from=2020-01-01T00:00:00Z", "audit?error_type=nothing_like_this"),
    *("health", "health/history", "health/alerts"),
    *(
        "security",
        "security/failures",
        "security/violations",
        "security/blocks?show=all",
        "security/quarantine",
    ),
    *("access", "access/users", "access/tokens", "access/quotas"),
)
LOOKS = list(product(("light", "dark"), (1440, 320), ("en", "ko")))
_STRANGERS = "main :is(iframe, script, img), main svg[onload], main a[href^='javascript']"
_WORDLESS = r"/\b(overview|audit|health|security|access|common)\.[a-z]+(_[a-z]+)*\b/"


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_whole_in_each_look(
    page: OperatorBrowser, rounds: Callable[[int, int], int], path: str
) -> None:
    in_suite = [("light", 1440, "en"), ("dark", 320, "ko")]
    looks = in_suite if rounds(2, 8) == 2 else LOOKS
    page.open(path)

    for theme, width, language in looks:
        page.dress(theme)
        page.resize(width)
        page.choose(".preferences select", language)
        page.wait_for(f":root[lang={language}] main h1")
        page.wait_until_ready()
        assert page.violations() == [], (theme, width, language)
        assert page.overflow() <= 0, (theme, width, language)
        assert page.evaluate(f"return document.body.innerText.match({_WORDLESS})") is None, language

    assert page.complaints() == []
    assert page.foreign_requests() == []


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("audit?action=file:upload", [f"{text.replace('/', '_')}.txt" for text in MARKUP]),
        ("audit?action=user:create&open=first", []),
        ("security/failures", MARKUP[:4]),
        ("security/blocks", MARKUP),
        ("security/quarantine", [f"{text.replace('/', '_')}.pdf" for text in MARKUP[:3]]),
        ("access/users", MARKUP),
        ("access/tokens", MARKUP),
        ("health/alerts", MARKUP[:1]),
        (f"overview?client={MARKUP[0]}", []),
        (f"audit/{MARKUP[1]}", MARKUP[1:2]),
    ],
)
def test_what_others_wrote_is_text(page: OperatorBrowser, path: str, shown: list[str]) -> None:
    page.evaluate("window.name = ''")
    page.open(path)

    (content,) = page.texts("main")
    assert [text for text in shown if text not in content] == []
    assert page.evaluate("return document.querySelectorAll(arguments[0]).length", _STRANGERS) == 0
    assert page.evaluate("return window.pwned") is None


def test_the_details_of_an_event_are_text(page: OperatorBrowser) -> None:
    page.open("audit?action=file:upload&status=success")
    page.click_text("tbody .sent", f"{MARKUP[0]}.txt")
    page.wait_for("dialog .facts", MARKUP[0])

    assert MARKUP[0] in "".join(page.texts("dialog pre")).replace("\\", "")
    assert page.evaluate("return window.pwned") is None
    assert page.violations() == []


def test_an_alert_that_is_over_opens_with_its_text(page: OperatorBrowser) -> None:
    page.open("health/alerts")
    page.click_text("tbody .sent", "HighErrorRate")
    page.wait_for("dialog .facts", MARKUP[1])

    assert page.evaluate("return window.pwned") is None
    assert page.violations() == []


@pytest.mark.parametrize(
    ("role", "seen", "kept_from"),
    [
        (
            "monitor",
            ["Overview", "Health and alerts", "Security", "Access"],
            ["audit", "security/blocks", "access/users"],
        ),
        ("user", ["Overview", "Access"], ["audit", "health", "security", "access/tokens"]),
        ("guest", ["Access"], ["overview", "audit", "health", "security", "access/quotas"]),
    ],
)
def test_each_role_sees_its_pages_and_is_told_of_the_others(
    page: OperatorBrowser, activity: Activity, role: str, seen: list[str], kept_from: list[str]
) -> None:
    page.sign_in(activity.create_token(activity.create_user(f"the {role} of the test", role), "test"))
    page.open("access")
    page.wait_for(".nav-group")

    operations = {"Overview", "Audit log", "Health and alerts", "Security", "Access"}
    assert [name for name in page.texts(".nav-group a") if name in operations] == seen
    for path in kept_from:
        page.go_to(path)
        page.wait_for("main .state", "You may not see this")
        assert page.violations() == [], path


def test_a_user_sees_the_figures_of_their_own_address(page: OperatorBrowser, activity: Activity) -> None:
    page.sign_in(activity.create_token(activity.create_user("a user with an address"), "test"))

    page.open("overview")

    page.wait_for(".chart figcaption", "Bytes of files")
    assert page.texts("main h1") == ["Client 127.0.0.1"]
    assert page.texts("main .state") == []
    assert page.complaints() == []
