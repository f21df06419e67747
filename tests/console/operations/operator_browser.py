"""A browser in the hands of an operator: pages of the console, their forms, and what is wrong with them."""

from functools import cache
from typing import Any
from urllib.parse import urlsplit

from harness import ROOT
from harness.servers import Browser
from harness.waiting import wait_until

_AXE = ROOT / ".venv" / "node" / "node_modules" / "axe-core" / "axe.min.js"
_READY = """
const content = document.querySelector("main h1");
return Boolean(content) && !document.querySelector(".skeleton, [aria-busy='true'], .plot:empty");
"""
_VIOLATIONS = """
const { violations } = await axe.run();
return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
"""
_BY_TEXT = """
return [...document.querySelectorAll(given[0])].find((each) => each.textContent.trim() === given[1]);
"""
_IN_ROW = """
const row = [...document.querySelectorAll("tbody tr")].find((each) => each.textContent.includes(given[0]));
return [...(row?.querySelectorAll("a, button") ?? [])].find((each) => each.textContent.trim() === given[1]);
"""
_SECONDS = 30


class OperatorBrowser:
    """One window with a token, or with none."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self.url = url

    def sign_in(self, token: str, *, theme: str = "light", locale: str = "en") -> None:
        """Begin anew as the owner of the token, on a page that loads nothing of the console's."""
        self._browser.visit(f"{self.url}/health/live")
        kept = {"fwb.theme": theme, "fwb.locale": locale}
        self.evaluate(
            "localStorage.clear(); sessionStorage.clear(); Object.assign(localStorage, arguments[0])", kept
        )
        if token:
            self.evaluate("sessionStorage.setItem('fwb.token', arguments[0])", token)
        self._browser.console()
        self._browser.requested()

    def open(self, path: str) -> None:
        """Load a page and wait until everything on it is there."""
        self._browser.visit(f"{self.url}/console/{path}")
        self.wait_until_ready()

    def reload(self) -> None:
        self._browser.visit(self._browser.evaluate("return location.href"))
        self.wait_until_ready()

    def go_to(self, path: str) -> None:
        """Go to another page as a link within the console does, without loading it anew."""
        script = "history.pushState({}, '', '/console/' + arguments[0]); dispatchEvent(new PopStateEvent('popstate'))"
        self.evaluate(script, path)

    def go_back(self) -> None:
        self._browser.evaluate("history.back()")

    def wait_until_ready(self) -> None:
        wait_until(lambda: self.evaluate(_READY), _SECONDS, "the page has what it asked for")

    def wait_for(self, selector: str, text: str = "") -> None:
        """Wait until an element that fits the selector holds the text."""
        wait_until(lambda: self._holds(selector, text), _SECONDS, f"{selector} {text}")

    def wait_gone(self, selector: str, text: str = "") -> None:
        """Wait until no element that fits the selector holds the text."""
        wait_until(lambda: not self._holds(selector, text), _SECONDS, f"no {selector} {text}")

    def _holds(self, selector: str, text: str) -> bool:
        return any(text in found for found in self.texts(selector))

    def wait_for_address(self, part: str) -> None:
        wait_until(lambda: part in self.address, _SECONDS, f"the address has {part}")

    @property
    def address(self) -> str:
        """Path and query below /console/."""
        parts = urlsplit(str(self.evaluate("return location.href")))
        return parts.path.removeprefix("/console/") + (f"?{parts.query}" if parts.query else "")

    def texts(self, selector: str) -> list[str]:
        """The text of every element that fits."""
        script = "return [...document.querySelectorAll(arguments[0])].map((each) => each.textContent)"
        found = self.evaluate(script, selector)
        return [str(text) for text in found]

    def rows(self) -> list[str]:
        """The keys of the rows of the table."""
        found = self.evaluate(
            "return [...document.querySelectorAll('tbody tr')].map((row) => row.dataset.key)"
        )
        return [str(key) for key in found]

    def click(self, selector: str) -> None:
        self._browser.click(selector)

    def click_text(self, selector: str, text: str) -> None:
        """Click the first element that fits and has just this text."""
        self._click_found(_BY_TEXT, selector, text)

    def click_in_row(self, row: str, text: str) -> None:
        """Click the link or button with this text in the row of a table that has that text."""
        self._click_found(_IN_ROW, row, text)

    def _click_found(self, script: str, *arguments: str) -> None:
        marked = f"""
        for (const each of document.querySelectorAll("[data-target]")) delete each.dataset.target;
        const found = (() => {{ {script} }})();
        if (found) found.dataset.target = "this";
        return Boolean(found);
        """
        script = f"return ((...given) => {{ {marked} }})(...arguments)"

        def click() -> bool:
            if not self.evaluate(script, *arguments):
                return False
            try:
                self._browser.click("[data-target=this]")
            except RuntimeError as error:
                if "no such element" in str(error) or "stale element" in str(error):
                    return False  # the list was drawn anew meanwhile
                raise
            return True

        wait_until(click, _SECONDS, " ".join(arguments))

    def fill(self, name: str, text: str) -> None:
        """Write into the control of that name, or choose that value."""
        selector = f"[name={name}]"
        if self.evaluate("return document.querySelector(arguments[0]).tagName", selector) == "SELECT":
            self.choose(selector, text)
            return
        self._browser.clear(selector)
        self._browser.type(selector, text)

    def choose(self, selector: str, value: str) -> None:
        script = """
        const select = document.querySelector(arguments[0]);
        select.value = arguments[1];
        select.dispatchEvent(new Event("change", { bubbles: true }));
        return select.value;
        """
        assert self.evaluate(script, selector, value) == value

    def press(self, *keys: str) -> None:
        self._browser.press(*keys)

    def resize(self, width: int) -> None:
        self._browser.resize(width)

    def dress(self, theme: str) -> None:
        self.evaluate("document.documentElement.dataset.theme = arguments[0]", theme)

    def evaluate(self, script: str, *arguments: Any) -> Any:
        return self._browser.evaluate(script, *arguments)

    def violations(self) -> list[str]:
        """What axe-core finds wrong with the page as it is."""
        if not self.evaluate("return Boolean(window.axe)"):
            self.evaluate(f"{_axe()}; return null")
        return [str(found) for found in self.evaluate(f"return (async () => {{ {_VIOLATIONS} }})()")]

    def overflow(self) -> int:
        """The pixels by which the page is wider than its window."""
        return int(
            self.evaluate(
                "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
        )

    def complaints(self) -> list[str]:
        """What was written to the console since the last call."""
        return self._browser.console()

    def foreign_requests(self) -> list[str]:
        """The addresses of other hosts that were asked since the last call."""
        own = (self.url, "data:", "blob:")
        return [url for url in self._browser.requested() if not url.startswith(own)]

    def downloaded(self, suffix: str) -> str:
        """The text of the one file of this kind that lands among the downloads; it is taken from there."""

        def landed() -> list[Any]:
            return [path for path in self._browser.downloads.iterdir() if path.suffix == suffix]

        (file,) = wait_until(landed, _SECONDS, f"a {suffix} arrives")
        text = str(file.read_text(encoding="utf-8"))
        file.unlink()
        return text


@cache
def _axe() -> str:
    return _AXE.read_text(encoding="utf-8")
