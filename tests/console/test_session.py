"""Signing in at the console and out again."""

from tests.console.visitor import OWN, Visitor


def test_a_token_is_asked_for_once_and_forgotten_on_request(visitor: Visitor) -> None:
    visitor.open("files", user=None)
    visitor.click_text("Sign in")
    visitor.click("dialog input[name=token]")
    visitor.browser.type("dialog input[name=token]", "fwb_this-is-no-token-of-anybody")
    visitor.browser.press("Enter")
    visitor.sees("The service does not know this token")
    visitor.browser.clear("dialog input[name=token]")
    visitor.browser.type("dialog input[name=token]", visitor.samples.tokens[OWN])
    visitor.browser.press("Enter")
    visitor.sees(visitor.name, "Sign out")
    visitor.browser.evaluate("location.reload()")
    visitor.sees(visitor.name, "Sign out")

    visitor.click_text("Sign out")

    visitor.sees("Anonymous", "Sign in")
    assert visitor.browser.evaluate("return sessionStorage.getItem('fwb.token')") is None
