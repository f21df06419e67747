"""A place where the service may live: its settings, its command line, and the service itself without a server."""

from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from filewallball import create_app
from filewallball.settings.loading import load_settings
from harness.parts import Parts
from harness.shell import Shell


class Place:
    """A data folder and a database; `shell` works on it whether it was ever prepared or not."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.data_dir = folder / "data"
        self.shell = Shell({"DATA_DIR": str(self.data_dir), "MIN_FREE_SPACE": "0", **settings})
        self._app: Flask | None = None

    def prepare(self) -> "Place":
        self.shell.run("prepare")
        return self

    @property
    def app(self) -> Flask:
        """The service of this place, from its first use until `close`."""
        if self._app is None:
            self._app = create_app(load_settings(self.shell.environ))
        return self._app

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    def close(self) -> None:
        if self._app is None:
            return
        parts = Parts(self._app)
        parts.journal.close()
        parts.slots.release()
        parts.cache.close()
        parts.database.close()

    def upload(self, content: bytes) -> str:
        """Store bytes; returns the file's id."""
        answer = self.client.put("/upload/a.bin", data=content)
        assert answer.status_code == 201
        return str(answer.get_json()["file_id"])

    def fail_uploads(self, count: int) -> int:
        """Uploads that are not what they claim, then sealed; returns how many the statistics know."""
        for _ in range(count):
            self.client.put(
                "/upload/a.bin", data=b"content", headers={"Content-Digest": f"sha-256=:{'A' * 43}=:"}
            )
        Parts(self.app).shipper.flush(seconds=60)
        Parts(self.app).sealer.run()
        return int(self.client.get("/api/v1/upload/errors").get_json()["total_errors"])

    def fetch(self, file_id: str) -> Any:
        """The status and the bytes."""
        answer = self.client.get(f"/download/{file_id}", buffered=True)
        return answer.status_code, answer.data

    def blob_of(self, digest: str) -> Path:
        """The path at which the store keeps a content."""
        [found] = (self.data_dir / "storage" / "blobs").rglob(f"{digest}.*")
        return found


def flip(path: Path) -> None:
    """Change one bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def blobs(folder: Path) -> list[Path]:
    """Every content that a folder of backups keeps."""
    return [path for path in (folder / "blobs").rglob("*") if path.is_file()]
