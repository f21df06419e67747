"""Every view: in both languages and themes, on a phone and a desk, for those who hear it and those who see it."""

import pytest

from tests.console.views import VIEWS, View
from tests.console.visitor import Visitor

WIDTHS = (320, 1440)


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
                found = visitor.violations() + visitor.layout_faults()
                wrong += [f"{locale}, {theme}, {width} px: {each}" for each in found]

    assert wrong == []
    assert visitor.faults() == []
