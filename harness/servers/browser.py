"""A headless Chromium, driven by chromedriver over the WebDriver protocol (W3C), that knows this machine alone."""

import base64
import json
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import urllib3

from harness.servers.base import Server

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # by which the protocol knows a reference to an element
KEYS = {
    "Tab": "\ue004",
    "Enter": "\ue007",
    "Escape": "\ue00c",
    "Space": " ",
    "ArrowDown": "\ue015",
    "Shift": "\ue008",
}
"""Keys that are no letters, as the protocol writes them."""
_ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP *.rebound.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


class Browser(Server):
    """One window. What it downloads lands in `downloads`."""

    # Chromium's own processes outlive a driver that is killed outright.
    death_signal = "TERM"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.downloads = folder / "downloads"
        self.downloads.mkdir()
        self._session = ""
        # A test asks thousands of times whether something is to be seen yet: on one connection, with little around it.
        self._driver = urllib3.HTTPConnectionPool("127.0.0.1", self.port, timeout=60, retries=False)

    def command(self) -> list[str]:
        return ["chromedriver", f"--port={self.port}", "--allowed-ips=127.0.0.1"]

    def visit(self, url: str) -> None:
        """Load a page, or begin a download."""
        self._ask("POST", "/url", {"url": url})

    def text(self) -> str:
        """The text that a person reads on the page now."""
        return str(self.evaluate("return document.body.innerText"))

    def evaluate(self, script: str, *arguments: Any) -> Any:
        """The result of JavaScript in the page; a promise is waited for."""
        return self._ask("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def click(self, selector: str) -> None:
        """Click the first element that fits a CSS selector, as a mouse does. Raises RuntimeError if it cannot be."""
        self._ask("POST", f"/element/{self._find(selector)}/click", {})

    def type(self, selector: str, text: str) -> None:
        """Type into an element; into a file input, the paths of files, one a line."""
        self._ask("POST", f"/element/{self._find(selector)}/value", {"text": text})

    def clear(self, selector: str) -> None:
        """Empty an input."""
        self._ask("POST", f"/element/{self._find(selector)}/clear", {})

    def press(self, *keys: str) -> None:
        """Press keys one after another where the focus is: letters, or names in `KEYS`."""
        strokes = [
            {"type": kind, "value": KEYS.get(key, key)} for key in keys for kind in ("keyDown", "keyUp")
        ]
        self._ask("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": strokes}]})

    def resize(self, width: int, height: int = 900) -> None:
        """Give the page this size, however small; Chromium's own windows have a least width."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.command_page("Emulation.setDeviceMetricsOverride", metrics)

    def command_page(self, command: str, parameters: dict[str, Any]) -> Any:
        """The answer to a command of the DevTools protocol."""
        return self._ask("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def screenshot(self) -> bytes:
        """A screenshot of the window, as PNG."""
        return base64.b64decode(self._ask("GET", "/screenshot", None))

    def console(self) -> list[str]:
        """Lines that the page and Chromium wrote to the console since the last call: errors and warnings, violations of
        the content security policy among them."""
        entries = self._ask("POST", "/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] in ("SEVERE", "WARNING")]

    def requested(self) -> list[str]:
        """The addresses that the pages asked for since the last call."""
        return [
            message["params"]["request"]["url"]
            for message in self._messages()
            if message["method"] == "Network.requestWillBeSent"
        ]

    def _messages(self) -> Iterator[dict[str, Any]]:
        for entry in self._ask("POST", "/se/log", {"type": "performance"}):
            yield json.loads(entry["message"])["message"]

    def _find(self, selector: str) -> str:
        found = self._ask("POST", "/element", {"using": "css selector", "value": selector})
        return str(found[_ELEMENT])

    def stop(self) -> int:
        if self._session:
            self._ask("DELETE", "", None)
        return super().stop()

    def _ask(self, method: str, path: str, body: Any) -> Any:
        if not self._session:
            self._session = self._open()
        return self._call(method, f"/session/{self._session}{path}", body)

    def _open(self) -> str:
        options = {
            "binary": "/usr/bin/chromium",
            "args": [*_ARGUMENTS, f"--user-data-dir={self.folder / 'profile'}"],
            "prefs": {"download.default_directory": str(self.downloads)},
        }
        logs = {"browser": "ALL", "performance": "ALL"}
        always = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": logs}
        wanted = {"capabilities": {"alwaysMatch": always}}
        return str(self._call("POST", "/session", wanted)["sessionId"])

    def _call(self, method: str, path: str, body: Any) -> Any:
        sent = None if body is None else json.dumps(body).encode()
        answer = self._driver.request(method, path, sent, headers={"Content-Type": "application/json"})
        value = json.loads(answer.data)["value"]
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise RuntimeError(f"{method} {path}: {value}")
        return value
