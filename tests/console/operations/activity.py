"""What happened to a service before an operator opens the console: made through its API, with texts that would like to
be markup."""

from typing import Any

import requests
from requests.adapters import HTTPAdapter

from harness.servers import Service

ADMIN_TOKEN = "fwb_the-administrator-who-reads-the-console"
WEBHOOK_SECRET = "what-alertmanager-shows-at-the-webhook"
SETTINGS = {
    "ADMIN_TOKEN": ADMIN_TOKEN,
    "ALERT_WEBHOOK_SECRET": WEBHOOK_SECRET,
    "GRAFANA_URL": "http://127.0.0.1:9/grafana",
    "MIN_FREE_SPACE": "0",
    "MONITORING_NETWORKS": "192.0.2.0/24",
    "RATELIMIT_DOWNLOAD": "20/minute",
    "SUSPICIOUS_UPLOADS": "quarantine",
}
MARKUP = (
    '<img src=x onerror="window.pwned=1">',
    '"><svg onload=window.pwned=1>',
    "<iframe srcdoc='<script>parent.pwned=1</script>'>",
    "javascript:window.pwned=1",
    "{{constructor.constructor('window.pwned=1')()}}",
    "</pre></script><script>window.pwned=1</script>",
    "'-window.pwned=1-'",
)
"""Texts that run in a page that takes them for more than text."""
PROGRAM = b"MZ" + bytes(300)
CLIENT = "127.0.0.5"


class Activity:
    """Requests of clients at several addresses, and of the administrator."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.quarantined: list[str] = []

    def make(self) -> None:
        """Leave something of everything: files, failures, refusals, users, tokens, blocks, quarantine, alerts."""
        self._transfers()
        self._refusals()
        self._quarantine()
        self._access()
        self._alerts()

    def admin(self, method: str, path: str, **options: Any) -> requests.Response:
        """One request of the administrator, which succeeds."""
        answer = self.ask(method, path, headers={"Authorization": f"Bearer {ADMIN_TOKEN}"}, **options)
        answer.raise_for_status()
        return answer

    def ask(self, method: str, path: str, client: str = "127.0.0.1", **options: Any) -> requests.Response:
        """One request from an address of this host."""
        with requests.Session() as session:
            session.trust_env = False
            session.mount("http://", _From(client))
            return session.request(method, self._service.url + path, timeout=30, **options)

    def quarantine(self, name: str, markup: str = "") -> str:
        """Upload a program that calls itself a picture; its id."""
        answer = self.ask("POST", "/upload", data={"description": markup}, files={"file": (name, PROGRAM)})
        assert answer.json()["is_quarantined"], answer.text
        return str(answer.json()["file_id"])

    def create_user(self, name: str, role: str = "user") -> int:
        return int(
            self.admin("POST", "/api/v1/access/users", json={"username": name, "role": role}).json()["id"]
        )

    def create_token(self, user_id: int, name: str) -> str:
        body = {"user_id": user_id, "name": name, "expires_in": "7d"}
        return str(self.admin("POST", "/api/v1/access/tokens", json=body).json()["token"])

    def block(self, network: str, reason: str) -> None:
        body = {"network": network, "reason": reason, "expires_in": "1h"}
        self.admin("POST", "/api/v1/access/blocks", json=body)

    def tell_alert(self, name: str, status: str = "firing", text: str = "", fingerprint: str = "1") -> None:
        """Notify of one alert as Alertmanager does."""
        alert = {
            "status": status,
            "labels": {"alertname": name, "severity": "critical", "instance": text or "a:8000"},
            "annotations": {"summary": text or f"{name} fires", "description": text},
            "startsAt": "2026-01-02T03:04:05Z",
            "endsAt": "2026-01-02T03:14:05Z" if status == "resolved" else "0001-01-01T00:00:00Z",
            "fingerprint": fingerprint,
        }
        body = {"version": "4", "receiver": "email", "status": status, "alerts": [alert]}
        secret = {"Authorization": f"Bearer {WEBHOOK_SECRET}"}
        self.ask("POST", "/api/v1/alerts/webhook", json=body, headers=secret).raise_for_status()

    def _transfers(self) -> None:
        for number, markup in enumerate(MARKUP):
            headers = {"User-Agent": markup}
            data = {"description": markup, "visibility": "public"}
            files = {"file": (f"{markup}.txt", bytes(1000 * (number + 1)))}
            answer = self.ask("POST", "/upload", CLIENT, data=data, files=files, headers=headers)
            self.ask("GET", f"/download/{answer.json()['file_id']}", CLIENT, headers=headers)
        wrong = {"sha256": "0" * 64}
        assert (
            self.ask("POST", "/upload", CLIENT, data=wrong, files={"file": ("a.txt", b"a")}).status_code
            == 422
        )

    def _refusals(self) -> None:
        for number in range(4):
            headers = {"Authorization": f"Bearer fwb_{number:043d}", "User-Agent": MARKUP[number]}
            assert self.ask("GET", "/files", "127.0.0.6", headers=headers).status_code == 401
        codes = {self.ask("GET", "/download/nothing", "127.0.0.7").status_code for _ in range(60)}
        assert 429 in codes

    def _quarantine(self) -> None:
        self.quarantined = [self.quarantine(f"{markup}.pdf", markup) for markup in MARKUP[:3]]

    def _access(self) -> None:
        for number, markup in enumerate(MARKUP):
            self.create_token(self.create_user(markup), markup)
            self.block(f"198.51.100.{number}", markup)

    def _alerts(self) -> None:
        self.tell_alert("StorageFull", text=MARKUP[0], fingerprint="a")
        self.tell_alert("HighErrorRate", "resolved", text=MARKUP[1], fingerprint="b")


class _From(HTTPAdapter):
    """Connects from one address."""

    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> Any:
        return super().init_poolmanager(*arguments, source_address=(self._address, 0), **options)
