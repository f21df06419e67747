"""A backup taken while the service works brings the lost host back, on the other kind of database."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.load import Load
from harness.servers import MariaDB, Service
from harness.waiting import wait_until
from tests.backup.place import Place


@pytest.mark.parametrize("kind", ["sqlite", "mariadb"])
def test_a_backup_under_load_brings_a_lost_host_back(
    kind: str,
    service: Callable[..., Service],
    make_place: Callable[..., Place],
    mariadb: MariaDB,
    folder: Path,
) -> None:
    on_mariadb = {"DATABASE_URL": mariadb.create_database()}
    here, there = (on_mariadb, {}) if kind == "mariadb" else ({}, on_mariadb)
    lost = service({"MIN_FREE_SPACE": "0", "BACKUP_MAX_AGE": "1h", **here}, workers=1)
    acknowledged = dict(upload(lost, random.randbytes(20_000)) for _ in range(20))
    kept, used, revoked = (make_link(lost, one_time=one_time) for one_time in (False, True, False))
    assert lost.request("GET", used["url"]).status_code == 200
    lost.request("DELETE", f"/api/v1/links/{revoked['link_id']}", headers=as_admin(lost))
    assert backup_status(lost) == "degraded"

    with Transfers(lost, next(iter(acknowledged))) as load:
        wait_until(lambda: load.codes, 60, "the load has begun")
        lost.cli("backup", "create", str(folder))
    wait_until(lambda: backup_status(lost) == "healthy", 60, "health knows of the backup")
    token = (lost.data_dir / "admin-token").read_text().strip()
    lost.kill()
    place = make_place(**there)
    restored = place.shell.run("backup", "restore", str(folder))

    assert set(load.codes) == {200, 201}
    assert "restored" in restored
    for file_id, content in acknowledged.items():
        assert place.fetch(file_id) == (200, content)
    links = [place.client.get(link["url"], buffered=True) for link in (kept, used, revoked)]
    assert [answer.status_code for answer in links] == [200, 410, 410]
    answer = place.client.get(
        "/api/v1/audit/logs?action=backup:restore", headers={"Authorization": f"Bearer {token}"}
    )
    assert [row["status"] for row in answer.get_json()["logs"]] == ["success"]
    assert "Intact" in place.shell.run("audit", "verify")


class Transfers(Load):
    """Uploads and downloads inside the block, one after the other."""

    def __init__(self, service: Service, file_id: str) -> None:
        super().__init__(clients=1)
        self.codes: list[int] = []
        self._service, self._file_id = service, file_id

    def client(self, number: int) -> None:
        while self.goes_on:
            sent = self._service.request("PUT", "/upload/more.bin", data=random.randbytes(5_000))
            fetched = self._service.request("GET", f"/download/{self._file_id}")
            self.codes += [sent.status_code, fetched.status_code]


def upload(service: Service, content: bytes) -> tuple[str, bytes]:
    answer = service.request("PUT", "/upload/a.bin", data=content)
    assert answer.status_code == 201
    return answer.json()["file_id"], content


def make_link(service: Service, **options: bool) -> dict[str, str]:
    """A link to a private file of the administrator."""
    stored = service.request(
        "PUT", "/upload/a.bin?visibility=private", data=random.randbytes(100), headers=as_admin(service)
    )
    wanted = {"file_id": stored.json()["file_id"], **options}
    answer = service.request("POST", "/api/v1/links", json=wanted, headers=as_admin(service))
    assert answer.status_code == 201, answer.text
    link: dict[str, str] = answer.json()
    return link


def as_admin(service: Service) -> dict[str, str]:
    return {"Authorization": f"Bearer {(service.data_dir / 'admin-token').read_text().strip()}"}


def backup_status(service: Service) -> str:
    return str(service.request("GET", "/health").json()["services"]["backup_service"]["status"])
