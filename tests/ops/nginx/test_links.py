"""Links and tickets behind the shipped nginx: it sends the bytes, and writes no secret down."""

import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from harness.servers import Front, Service
from harness.waiting import wait_until
from tests.ops.nginx.test_front import ask

pytestmark = pytest.mark.server
CONTENT = bytes(range(256)) * 256


@pytest.fixture(scope="module")
def as_admin(behind: Service) -> dict[str, str]:
    """The header of the first administrator."""
    return {"Authorization": f"Bearer {(behind.data_dir / 'admin-token').read_text().strip()}"}


def private_link(front: Front, as_admin: dict[str, str], **options: Any) -> tuple[str, str]:
    """The id of a new private file, and the path of a link to it."""
    answer = ask(front, "PUT", "/upload/a.bin?visibility=private", data=CONTENT, headers=as_admin)
    file_id = answer.json()["file_id"]
    body = {"file_id": file_id, **options}
    made = ask(front, "POST", "/api/v1/links", json=body, headers=as_admin)
    assert made.status_code == 201, made.text
    return file_id, urlsplit(made.json()["url"]).path


def test_nginx_sends_what_a_one_time_link_gives_once_and_resumed(
    front: Front, as_admin: dict[str, str]
) -> None:
    _, path = private_link(front, as_admin, one_time=True)

    first = ask(front, "GET", path)
    second = ask(front, "GET", path)
    rest = ask(front, "GET", path, headers={"Range": "bytes=1000-1999"})
    head = ask(front, "HEAD", f"{path}/view")

    assert (first.status_code, first.content) == (200, CONTENT)
    assert (second.status_code, second.json()["code"]) == (410, "link_used_up")
    assert (rest.status_code, rest.content) == (206, CONTENT[1000:2000])
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(CONTENT)))


def test_a_ticket_behind_nginx_is_good_for_parts_and_views(front: Front, as_admin: dict[str, str]) -> None:
    file_id, path = private_link(front, as_admin, password="hush")
    unlocked = ask(front, "POST", f"{path}/unlock", json={"password": "hush"}).json()
    ticket = ask(front, "POST", f"/api/v1/files/{file_id}/ticket", headers=as_admin).json()

    for each in (unlocked, ticket):
        url, view = urlsplit(each["url"]).path, urlsplit(each["view_url"]).path
        assert ask(front, "GET", url).content == CONTENT
        assert ask(front, "GET", url, headers={"Range": "bytes=9-"}).content == CONTENT[9:]
        assert ask(front, "GET", view).content == CONTENT
    assert ask(front, "GET", path).json()["code"] == "link_password_required"


def test_no_secret_of_links_and_tickets_is_written_down(
    front: Front, behind: Service, as_admin: dict[str, str]
) -> None:
    file_id, path = private_link(front, as_admin)
    secret = path.split("/")[3]
    ticket = ask(front, "POST", f"/api/v1/files/{file_id}/ticket", headers=as_admin).json()
    made_of = (secret[10:], ticket["ticket"][10:])
    before = front.lines().count("\n")
    for url in (path, f"{path}/view", f"{path}/unlock", f"/nowhere{path}", urlsplit(ticket["url"]).path):
        ask(front, "GET", url)
        ask(front, "GET", url.replace("fwb_", "%66wb%5F"), headers={"User-Agent": f"agent {url}"})
        ask(front, "GET", url.replace("fwb_", "%2566wb_"))
    wait_until(lambda: front.lines().count("\n") >= before + 15, 60, "lines")
    audit = ask(front, "GET", "/api/v1/audit/logs?size=100", headers=as_admin).text

    files = [each for each in behind.data_dir.rglob("*") if each.is_file()]
    texts = [each.read_bytes().decode("latin-1") for each in files]
    for piece in made_of:
        assert piece not in front.lines()
        assert piece not in audit
        assert not [name for name, text in zip(files, texts, strict=True) if piece in text]


def test_what_fails_at_the_address_of_a_link_puts_no_secret_into_the_error_log(
    front: Front, behind: Service, as_admin: dict[str, str]
) -> None:
    file_id, path = private_link(front, as_admin, password="hush")
    unlocked = ask(front, "POST", f"{path}/unlock", json={"password": "hush"}).json()
    ticket = ask(front, "POST", f"/api/v1/files/{file_id}/ticket", headers=as_admin).json()
    _, plain = private_link(front, as_admin)
    urls = [urlsplit(each["url"]).path for each in (unlocked, ticket)]
    urls += [plain, f"{plain}/view", f"{urls[0]}/view", f"/%73{plain[2:]}", f"/{plain}"]
    blobs = [each for each in (behind.data_dir / "storage" / "blobs").rglob("*") if each.is_file()]

    for blob in blobs:
        blob.rename(blob.with_suffix(".away"))
    missing = [ask(front, "GET", url).status_code for url in urls]
    for blob in blobs:
        blob.with_suffix(".away").rename(blob)
    too_large = _announce(front, f"{path}/unlock", 99_999_999_999)
    behind.stop()
    urls += [f"{path}/unlock", f"{plain}/info", f"{ticket['url']}/thumbnail", f"/nowhere{plain}"]
    away = [ask(front, "GET", url).status_code for url in urls]
    seen = ask(front, "GET", "/files").status_code
    refused = _announce(front, f"{path}/unlock", 99_999_999_999)
    behind.start()

    assert set(missing) == {404}
    assert (too_large, refused) == (413, 413)
    assert (set(away), seen) == ({502}, 502)
    log = front.error_log()
    assert 'request: "GET /files HTTP' in log
    for secret in (path.split("/")[3], plain.split("/")[3], unlocked["ticket"], ticket["ticket"]):
        assert secret[10:] not in log


def _announce(front: Front, path: str, length: int) -> int:
    """The status of a request that announces a body of so many bytes."""
    with socket.create_connection(("127.0.0.1", front.port), 30) as connection:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {urlsplit(front.url).netloc}\r\nContent-Length: {length}\r\n\r\n"
        )
        connection.sendall(head.encode())
        return int(connection.recv(100).split()[1])
