"""A headless Chromium, driven by chromedriver over the WebDriver protocol (W3C), that knows this machine alone."""

from pathlib import Path
from typing import Any

import requests

from harness.servers.base import Server

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

    def command(self) -> list[str]:
        return ["chromedriver", f"--port={self.port}", "--allowed-ips=127.0.0.1"]

    def visit(self, url: str) -> None:
        """Load a page, or begin a download."""
        self._ask("POST", "/url", {"url": url})

    def text(self) -> str:
        """The text that a person reads on the page now."""
        return str(self.evaluate("return document.body.innerText"))

    def evaluate(self, script: str) -> Any:
        """The result of JavaScript in the page."""
        return self._ask("POST", "/execute/sync", {"script": script, "args": []})

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
        wanted = {"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}}
        return str(self._call("POST", "/session", wanted)["sessionId"])

    def _call(self, method: str, path: str, body: Any) -> Any:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(method, f"http://127.0.0.1:{self.port}{path}", json=body, timeout=60)
        value = answer.json()["value"]
        if not answer.ok:
            raise RuntimeError(f"{method} {path}: {value}")
        return value
