"""Every view: in both languages and themes, on a phone and a desk, for those who hear it and those who see it."""

import pytest

from tests.console.views import VIEWS, View
from tests.console.visitor import STILL, Visitor

WIDTHS = (320, 1440)


def test_colours_follow_the_system_until_a_theme_is_chosen(visitor: Visitor) -> None:
    seen = "return ['background', 'color'].map((name) => getComputedStyle(document.body)[name])"
    colours = {}
    try:
        for system in ("light", "dark"):
            features = [{"name": "prefers-color-scheme", "value": system}, STILL]
            visitor.browser.command_page("Emulation.setEmulatedMedia", {"features": features})
            visitor.open("nowhere", theme="")
            colours[system] = visitor.browser.evaluate(seen)
            for chosen in ("light", "dark"):
                visitor.browser.evaluate("document.documentElement.dataset.theme = arguments[0]", chosen)
                colours[f"{chosen} on {system}"] = visitor.browser.evaluate(seen)
    finally:
        visitor.browser.command_page("Emulation.setEmulatedMedia", {"features": [STILL]})

    assert colours["light"] == colours["light on light"] == colours["light on dark"]
    assert colours["dark"] == colours["dark on dark"] == colours["dark on light"]
    assert colours["light"] != colours["dark"]


def hidden(visitor: Visitor, view: View) -> list[str]:
    """The part of a view that shows that it is there, if it cannot be seen."""
    script = "return document.querySelector(arguments[0]).checkVisibility()"
    return [] if visitor.browser.evaluate(script, view.selector) else [f"{view.selector} cannot be seen"]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_view_is_accessible_and_keeps_to_itself(visitor: Visitor, view: View) -> None:
    visitor.faults()  # of other tests
    wrong = []
    for locale in ("en", "ko"):
        visitor.open(view.address(visitor.samples), view.user, locale)
        visitor.until(f"return Boolean(document.querySelector({view.selector!r}))", view.name)
        visitor.await_view()
        for theme in ("light", "dark"):
            visitor.browser.evaluate("document.documentElement.dataset.theme = arguments[0]", theme)
            for width in WIDTHS:
                visitor.browser.resize(width)
                found = visitor.violations() + visitor.layout_faults() + hidden(visitor, view)
                wrong += [f"{locale}, {theme}, {width} px: {each}" for each in found]

    assert wrong == []
    assert visitor.faults() == []


def test_a_lost_connection_loses_no_page(visitor: Visitor) -> None:
    connection = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    visitor.open("")
    visitor.browser.evaluate("window.isStillHere = true")
    visitor.browser.command_page("Network.enable", {})
    visitor.browser.command_page("Network.emulateNetworkConditions", {"offline": True, **connection})
    try:
        visitor.click_text("Links")
        visitor.sees("The service cannot be reached")
        visitor.click_text("Try again")
        visitor.click_text("Upload")
        visitor.sees("Drop files or folders here")
        assert visitor.browser.evaluate("return window.isStillHere")
        visitor.click_text("Links")
        visitor.sees("The service cannot be reached")
    finally:
        visitor.browser.command_page("Network.emulateNetworkConditions", {"offline": False, **connection})

    visitor.click_text("Try again")
    visitor.sees("No links yet")
