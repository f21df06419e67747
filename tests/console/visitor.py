"""A person with a browser at the console of a running service."""

from collections.abc import Callable
from typing import Any

from harness import ROOT
from harness.samples import Samples
from harness.servers import Browser, Service
from harness.waiting import wait_until

NODE_MODULES = ROOT / ".venv" / "node" / "node_modules"
OWN = "own"
"""The key of a visitor's own token among those of the samples."""
STILL = {"name": "prefers-reduced-motion", "value": "reduce"}
"""What tells pages that their reader wants nothing to move: colours are measured, not waited for."""
_SECONDS = 60
_NO_FINDINGS = (
    "Failed to load resource"  # Chromium's line for each refused request; the page tells of it itself
)


class Visitor:
    """Looks at views, clicks and types. Waits for what is to be seen, however slow the machine."""

    def __init__(self, name: str, service: Service, browser: Browser, samples: Samples) -> None:
        self.name = name
        self.service = service
        self.browser = browser
        self.samples = samples

    def open(self, path: str, user: str | None = OWN, locale: str = "en", theme: str = "light") -> None:
        """Load a view of the console with a user's token, or without one, in a language and a theme."""
        browser = self.browser
        token = "" if user is None else self.samples.tokens[user]
        browser.visit(f"{self.service.url}/console/assets/none")  # of the same origin, for its storage
        browser.evaluate(
            "sessionStorage.clear(); localStorage.setItem('fwb.locale', arguments[0]); "
            "localStorage.setItem('fwb.theme', arguments[1]); "
            "if (arguments[2]) sessionStorage.setItem('fwb.token', arguments[2])",
            *(locale, theme, token),
        )
        self.go(path)

    def go(self, path: str) -> None:
        """Load a view as whoever is signed in."""
        self.browser.visit(f"{self.service.url}/console/{path}")
        self.await_view()

    def leave(self) -> None:
        """Leave the console: what waits for second thoughts is sent at once."""
        self.browser.visit("about:blank")

    def await_view(self) -> None:
        """Wait until the view has nothing left to load."""
        self.until(
            "return Boolean(document.querySelector('main h1, main .state')) && "
            "!document.querySelector('.skeleton, .loaded[aria-busy=true]')",
            "the view has loaded",
        )

    def until(self, script: str, what: str) -> Any:
        """Wait until JavaScript gives something true; returns it."""
        try:
            return wait_until(lambda: self.browser.evaluate(script), _SECONDS, what)
        except TimeoutError as error:
            raise AssertionError(f"{error}; on the page:\n{self.browser.text()}") from error

    def sees(self, *texts: str) -> None:
        """Wait until all of these are to be read on the page."""
        self.until_true(lambda: all(text in self.browser.text() for text in texts), f"{texts} are seen")

    def sees_no_more(self, text: str) -> None:
        """Wait until this is not to be read."""
        self.until_true(lambda: text not in self.browser.text(), f"{text!r} is gone")

    def until_true(self, predicate: Callable[[], object], what: str, seconds: float = _SECONDS) -> None:
        """Wait until a condition holds; a failure tells what the page says."""
        try:
            wait_until(predicate, seconds, what)
        except TimeoutError as error:
            raise AssertionError(f"{error}; on the page:\n{self.browser.text()}") from error

    def click(self, selector: str) -> None:
        """Wait for an element and click it."""
        self.until(f"return Boolean(document.querySelector({selector!r}))", f"{selector} is there")
        self.browser.click(selector)

    def click_text(self, text: str) -> None:
        """Click the button or link that has this text, the topmost dialog's first."""
        script = (
            "const all = [...document.querySelectorAll('dialog button, dialog a'), "
            "...document.querySelectorAll('button, a')]; "
            "const found = all.find((each) => each.innerText.trim() === arguments[0] && !each.disabled); "
            "if (found) found.click(); return Boolean(found)"
        )
        self.until_true(lambda: self.browser.evaluate(script, text), f"{text!r} can be clicked")

    def choose(self, selector: str, value: str) -> None:
        """Choose an option of a select."""
        self.click(f"{selector} option[value={value!r}]")

    def ask(self, method: str, path: str, user: str = OWN, **options: Any) -> Any:
        """The answer of the API to a user."""
        headers = {"Authorization": f"Bearer {self.samples.tokens[user]}", **options.pop("headers", {})}
        return self.service.request(method, path, headers=headers, **options)

    def faults(self) -> list[str]:
        """What the page wrote to the console or asked of another host since this was called last."""
        asked = [url for url in self.browser.requested() if url.startswith(("http", "ws", "ftp"))]
        foreign = [url for url in asked if not url.startswith(f"{self.service.url}/")]
        return foreign + [line for line in self.browser.console() if _NO_FINDINGS not in line]

    def violations(self) -> list[str]:
        """What axe-core finds wrong with the page for people who cannot see it, or see it badly."""
        if not self.browser.evaluate("return Boolean(window.axe)"):
            # Through the debugger, for the policy of the page lets no such script in.
            source = (NODE_MODULES / "axe-core" / "axe.min.js").read_text()
            self.browser.command_page("Runtime.evaluate", {"expression": source})
        found = self.browser.evaluate(
            "return axe.run(document, {resultTypes: ['violations']}).then((result) => result.violations.map("
            "(each) => `${each.id}: ${each.nodes.map((node) => `${node.html.slice(0, 200)} "
            "${node.failureSummary}`).join(' | ')}`))"
        )
        return [str(each) for each in found]

    def layout_faults(self) -> list[str]:
        """What is wrong with the layout: a page or a part wider than its place, or messages that have no words."""
        return list(
            self.browser.evaluate(
                "const found = []; const root = document.documentElement; "
                "if (root.scrollWidth > innerWidth) found.push(`${root.scrollWidth} px wide in ${innerWidth}`); "
                "for (const part of document.querySelectorAll('dialog, dd, .note, .state, .page-head')) "
                "if (part.scrollWidth > part.clientWidth + 1) found.push(`${part.tagName} ${part.className} is "
                "${part.scrollWidth} px wide in ${part.clientWidth}: ${part.innerText.slice(0, 60)}`); "
                "const keys = document.body.innerText.match(/\\b(common|upload|files|links|overview|audit|health"
                "|security|access)\\.[a-z]+_?[a-z]*\\b(?!\\.)/g); "
                "return found.concat(keys ?? [])"
            )
        )
