"""Nothing of a private file leaves by another way than a link or a ticket that is good: every caller, state of the link
and route, whole, in part, by HEAD and under conditions."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from filewallball.links.lookup import digest
from tests.access.people import client_of, new_token
from tests.files.images import image
from tests.links.shared import AS_ADMIN, change, keep_private, make_link

CALLERS = ("anonymous", "wrong token", "other user", "other network", "foreign page")
ROUTES = ("", "/view", "/thumbnail")
PICTURE = image("JPEG")
Prepare = Callable[[Flask, FlaskClient, dict[str, Any]], None]


def _none(app: Flask, client: FlaskClient, link: dict[str, Any]) -> None:
    """Leave the link as it is."""


def _revoke(app: Flask, client: FlaskClient, link: dict[str, Any]) -> None:
    client.delete(f"/api/v1/links/{link['link_id']}", headers=AS_ADMIN)


def _expire(app: Flask, client: FlaskClient, link: dict[str, Any]) -> None:
    change(app, link, expires_us=1)


def _use_up(app: Flask, client: FlaskClient, link: dict[str, Any]) -> None:
    change(app, link, downloads=1)


def _delete(app: Flask, client: FlaskClient, link: dict[str, Any]) -> None:
    client.delete(f"/files/{link['file_id']}", headers=AS_ADMIN)


# options of the link, what becomes of it, status for whoever has its URL
STATES: dict[str, tuple[dict[str, Any], Prepare, int]] = {
    "active": ({}, _none, 200),
    "limited": ({"max_downloads": 1000}, _none, 200),
    "protected": ({"password": "hush"}, _none, 401),
    "revoked": ({}, _revoke, 410),
    "expired": ({"expires_in": "1h"}, _expire, 410),
    "used up": ({"one_time": True}, _use_up, 410),
    "file deleted": ({}, _delete, 404),
}


@pytest.fixture(scope="module")
def callers(shared_app: Flask) -> dict[str, FlaskClient]:
    """Everybody but the owner."""
    page = client_of(shared_app)
    page.environ_base.update({"HTTP_ORIGIN": "https://evil.example", "HTTP_SEC_FETCH_SITE": "cross-site"})
    return {
        "anonymous": client_of(shared_app),
        "wrong token": client_of(shared_app, "fwb_" + "x" * 43, "203.0.113.51"),
        "other user": client_of(shared_app, new_token(shared_app, "matrix")),
        "other network": client_of(shared_app, address="203.0.113.50"),
        "foreign page": page,
    }


def _requests(file: dict[str, Any]) -> list[tuple[str, dict[str, str]]]:
    etag = f'"{file["file_hash"]}"'
    return [
        ("GET", {}),
        ("GET", {"Range": "bytes=0-9"}),
        ("GET", {"Range": "bytes=0-1,4-5"}),
        ("GET", {"Range": "bytes=999999-"}),
        ("HEAD", {}),
        ("GET", {"If-None-Match": etag}),
        ("GET", {"If-Match": '"another"'}),
    ]


def _tells(answer: Any, file: dict[str, Any]) -> bool:
    """True if the answer holds anything of the file: bytes, name, digest, size."""
    about = str(answer.headers) + answer.get_data().decode("latin-1")
    return (
        answer.status_code in (200, 206, 304, 416)
        or any(part in about for part in (file["file_hash"], "secret name", "image/jpeg"))
        or PICTURE[:8].decode("latin-1") in about
    )


def _tells_name(answer: Any) -> bool:
    return "secret name" in answer.get_data(as_text=True)


@pytest.mark.parametrize("state", STATES)
def test_a_link_gives_what_its_state_allows_and_opens_no_other_route(
    shared_app: Flask, visitor: FlaskClient, callers: dict[str, FlaskClient], state: str
) -> None:
    options, prepare, status = STATES[state]
    file = keep_private(visitor, PICTURE, "secret name.jpg")
    link = make_link(visitor, file["file_id"], **options)
    prepare(shared_app, visitor, link)
    _, _, link_id, secret = link["path"].split("/")
    elsewhere = [f"/{word}/{file['file_id']}" for word in ("download", "view", "thumbnail", "files")]
    elsewhere += [f"/s/{link_id}/{wrong}" for wrong in (secret[:-1], "x", secret.upper(), digest_of(link))]
    elsewhere += [f"/t/{secret}", f"/t/{link_id}", f"/download/{link_id}", f"/api/v1/links/{link_id}"]
    elsewhere += [f"/api/v1/files/{file['file_id']}/ticket"]

    leaks, wrong = [], []
    for (who, client), (method, headers) in product(callers.items(), _requests(file)):
        for path in elsewhere:
            answer = client.open(path, method="POST" if path.endswith("ticket") else method, headers=headers)
            if _tells(answer, file) or answer.status_code >= 500:
                leaks.append((who, method, path, headers, answer.status_code))
        for route in ROUTES:
            answer = client.open(link["path"] + route, method=method, headers=headers)
            good = status == 200 and who != "wrong token"
            if _tells(answer, file) != (good and "If-Match" not in headers) or answer.status_code >= 500:
                wrong.append((who, method, route, headers, answer.status_code))
            if not good and answer.status_code not in ((401, 429) if who == "wrong token" else (status,)):
                wrong.append((who, method, route, headers, answer.status_code))

        told = client.get(f"{link['path']}/info")
        if _tells_name(told) != (status == 200 and who != "wrong token"):
            wrong.append((who, "GET", "/info", {}, told.status_code))

    assert leaks == []
    assert wrong == []


def digest_of(link: dict[str, Any]) -> str:
    """What the database keeps of the secret, which opens nothing."""
    return digest(link["path"].rpartition("/")[2])
