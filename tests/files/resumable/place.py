"""A service, the shipped nginx in front of it, and a relay in front of that: the way of real clients."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.servers import Front, Relay, Service
from tests.conftest import ADMIN_TOKEN, SEAL_KEY
from tests.files.resumable.tus import Tus, upload_id_of

SETTINGS = {
    "ADMIN_TOKEN": ADMIN_TOKEN,
    "AUDIT_SEAL_KEY": SEAL_KEY,
    "TRUSTED_PROXIES": "127.0.0.0/8",
    "X_ACCEL": "true",
    "SYNC_WORKERS": "1",
    "MIN_FREE_SPACE": "0",
    "LOG_LEVEL": "WARNING",
}


@dataclass(frozen=True)
class Place:
    """What is on the way, and what it has kept."""

    service: Service
    front: Front
    relay: Relay

    @property
    def tus(self) -> Tus:
        """A client that comes by all of it."""
        return Tus(f"http://127.0.0.1:{self.relay.port}")

    @property
    def endpoint(self) -> str:
        return f"{self.tus.url}/uploads"

    def written(self, url: str) -> int:
        """The bytes that the segments of an upload have, whether they count yet or not."""
        folder = self.service.data_dir / "storage" / "uploads" / upload_id_of(url)
        return sum(path.stat().st_size for path in folder.glob("*"))

    def check(self, file_id: str, content: bytes) -> None:
        """The bytes are right, and there is one row of the upload."""
        assert self.tus.content(file_id) == content
        admin = Tus(self.service.url, ADMIN_TOKEN)
        rows = admin.ask("GET", f"/api/v1/audit/logs?action=file:upload&resource_id={file_id}").json()["logs"]
        assert [row["status"] for row in rows] == ["success"]

    def reconcile(self) -> None:
        """The records agree with each other."""
        assert "DIFFER" not in self.service.cli("reconcile")

    def uploaded(self, status: str = "") -> int:
        """How many uploads the audit log has, with this status or whatever became of them."""
        path = f"/api/v1/audit/logs?action=file:upload&size=1{status and f'&status={status}'}"
        return int(Tus(self.service.url, ADMIN_TOKEN).ask("GET", path).json()["total"])


@contextmanager
def opened(folder: Path, settings: dict[str, str] | None = None) -> Iterator[Place]:
    """All of it, running inside the block."""
    with ExitStack() as stack:
        service = Service(folder / "behind", {**SETTINGS, **(settings or {})}).start()
        stack.callback(service.kill)
        front = Front(folder / "front")
        front.ship(service.environment())
        front.start()
        stack.callback(front.kill)
        relay = Relay(front.port).start()
        stack.callback(relay.stop)
        yield Place(service, front, relay)
