"""Links under a real service of several processes, on either database."""

import shutil
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from harness.servers import Service
from tests.conftest import ADMIN_TOKEN, SEAL_KEY
from tests.links.shared import AS_ADMIN

pytestmark = pytest.mark.server
CONTENT = b"once and no more " * 4096
AT_ONCE = 50


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service of three processes with eight threads each."""
    folder: Path = tmp_path_factory.mktemp("links")
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("prepared_sqlite"), folder / "filewallball.db")
        url = f"sqlite:///{folder / 'filewallball.db'}"
    else:
        script = request.getfixturevalue("prepared_mariadb")
        url = request.getfixturevalue("mariadb").create_database(script)
    keys = {"ADMIN_TOKEN": ADMIN_TOKEN, "AUDIT_SEAL_KEY": SEAL_KEY, "DATABASE_URL": url}
    limits = {"THREADS": "8", "MIN_FREE_SPACE": "0", "RATELIMIT_AUTH": "4/hour"}
    service = Service(folder / "service", {**keys, **limits}, workers=3).start()
    yield service
    service.kill()


def link_to_private_file(server: Service, **options: Any) -> dict[str, Any]:
    """A new link to a new private file; `path` is that of its URL."""
    file = server.request("PUT", "/upload/a.bin?visibility=private", data=CONTENT, headers=AS_ADMIN).json()
    wanted = {"file_id": file["file_id"], **options}
    answer = server.request("POST", "/api/v1/links", json=wanted, headers=AS_ADMIN)
    assert answer.status_code == 201, answer.text
    return {**answer.json(), "path": urlsplit(answer.json()["url"]).path}


def outcomes(server: Service, path: str, count: int, **options: Any) -> Counter[tuple[int, bytes]]:
    """The answers to that many requests at once: status, and the content where it came."""

    def ask(_: int) -> tuple[int, bytes]:
        answer = server.request("GET", path, **options)
        return answer.status_code, answer.content if answer.ok else b""

    with ThreadPoolExecutor(count) as clients:
        return Counter(clients.map(ask, range(count)))


def claims_on_record(server: Service, link: dict[str, Any]) -> Counter[str]:
    """How the claims of a link ended, as the audit log has them."""
    query = f"/api/v1/audit/logs?resource_id={link['file_id']}&action=link:claim&size=500"
    rows = server.request("GET", query, headers=AS_ADMIN).json()["logs"]
    found: Counter[str] = Counter()
    for row in rows:
        found[row["status"]] += row["count"]
    return found


def test_fifty_requests_at_once_get_a_one_time_link_once(server: Service) -> None:
    link = link_to_private_file(server, one_time=True)

    found = outcomes(server, link["path"], AT_ONCE)
    resumed = server.request("GET", link["path"], headers={"Range": "bytes=1000-"})
    described = server.request("GET", f"/api/v1/links/{link['link_id']}", headers=AS_ADMIN).json()

    assert found == {(200, CONTENT): 1, (410, b""): AT_ONCE - 1}
    assert (resumed.status_code, resumed.content) == (206, CONTENT[1000:])
    assert (described["downloads"], described["state"]) == (1, "used_up")
    assert claims_on_record(server, link)["success"] == 1


def test_fifty_first_parts_at_once_are_one_download(server: Service) -> None:
    link = link_to_private_file(server, max_downloads=2)

    found = outcomes(server, link["path"], AT_ONCE, headers={"Range": "bytes=0-99"})
    described = server.request("GET", f"/api/v1/links/{link['link_id']}", headers=AS_ADMIN).json()

    assert found == {(206, CONTENT[:100]): AT_ONCE}
    assert described["downloads"] == 1
    assert claims_on_record(server, link) == {"success": 1}


def test_a_limited_link_gives_as_many_downloads_as_it_says(server: Service) -> None:
    link = link_to_private_file(server, max_downloads=7)

    found = outcomes(server, link["path"], 20)

    assert found == {(200, CONTENT): 7, (410, b""): 13}


def test_a_revoked_link_is_over_on_every_worker_at_once(server: Service) -> None:
    link = link_to_private_file(server)
    ticket = server.request("POST", f"{link['path']}/unlock", json={}).json()["url"]
    assert outcomes(server, link["path"], 20) == {(200, CONTENT): 20}

    revoked = server.request("DELETE", f"/api/v1/links/{link['link_id']}", headers=AS_ADMIN)

    assert revoked.status_code == 204
    assert outcomes(server, link["path"], 20) == {(410, b""): 20}
    assert outcomes(server, urlsplit(ticket).path, 20) == {(410, b""): 20}


def test_a_ticket_is_good_on_every_worker(server: Service) -> None:
    link = link_to_private_file(server, password="hush")

    ticket = server.request("POST", f"{link['path']}/unlock", json={"password": "hush"}).json()

    assert outcomes(server, urlsplit(ticket["url"]).path, 20) == {(200, CONTENT): 20}
