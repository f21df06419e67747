"""Files, users and links as a small team would have them: what tests and pictures of the console show."""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw

from harness.servers import Service

ADMIN_TOKEN = "samples-administrator-token-0001"
_COLOURS = ((11, 95, 86), (244, 184, 96), (60, 98, 181), (178, 59, 94), (109, 122, 31))


@dataclass(frozen=True)
class Samples:
    """The things put into a service. The texts of tokens are by user name."""

    files: list[dict[str, Any]]
    links: list[dict[str, Any]]
    tokens: dict[str, str]


def fill(service: Service) -> Samples:
    """Upload files of several kinds as a user and as nobody, and make links to some."""
    tokens = {"admin": ADMIN_TOKEN, "mina": new_user(service, "mina", "user")}
    files = [_upload(service, tokens["mina"], *each) for each in _files()]
    links = [_link(service, tokens["mina"], files, *each) for each in _LINKS]
    for link in links[:2]:
        _ask(service, "GET", link["url"].removeprefix(service.url), "")
    for file in files[:3]:
        _ask(service, "GET", f"/download/{file['file_id']}", tokens["mina"])
    return Samples(files, links, tokens)


def _files() -> Iterator[tuple[str, bytes, dict[str, str]]]:
    yield (
        "2026 annual report.pdf",
        _pdf("Annual report"),
        {"visibility": "public", "description": "Final, as printed."},
    )
    yield "회의록 11월.txt", "11월 회의록\n".encode() * 40, {"description": "매주 월요일 회의"}
    yield "backup-2026-11-27.zip", _zip(), {"visibility": "private", "expires_in": "30d"}
    for place, name in enumerate(("harbour at dawn.jpg", "team offsite.jpg", "logo dark.png")):
        yield name, _picture(place, name), {"visibility": ("public", "private", "unlisted")[place]}
    yield "measurements.csv", b"time,celsius\n" + b"2026-11-28T09:00:00Z,21.4\n" * 4000, {"expires_in": "7d"}
    yield "release notes.md", b"# Release notes\n\n" + b"- a change\n" * 60, {"visibility": "public"}
    yield "contract draft v3.pdf", _pdf("Contract"), {"visibility": "private", "expires_in": "90d"}


_LINKS: tuple[tuple[int, dict[str, Any]], ...] = (
    (8, {"name": "Counsel, second reading", "password": "correct horse battery", "expires_in": "14d"}),
    (2, {"name": "Auditors", "max_downloads": 5, "expires_in": "7d"}),
    (4, {"name": "Print shop", "one_time": True}),
    (0, {"name": "Newsletter"}),
)


def new_user(service: Service, name: str, role: str) -> str:
    """Make a user; returns the text of their token."""
    user = _ask(service, "POST", "/api/v1/access/users", ADMIN_TOKEN, json={"username": name, "role": role})
    token = _ask(
        service, "POST", "/api/v1/access/tokens", ADMIN_TOKEN, json={"user_id": user["id"], "name": "laptop"}
    )
    return str(token["token"])


def _upload(
    service: Service, token: str, name: str, content: bytes, options: dict[str, str]
) -> dict[str, Any]:
    files = {"file": (name, content)}
    return dict(_ask(service, "POST", "/upload", token, files=files, data=options))


def _link(
    service: Service, token: str, files: list[dict[str, Any]], place: int, options: dict[str, Any]
) -> dict[str, Any]:
    body = {"file_id": files[place]["file_id"], **options}
    return dict(_ask(service, "POST", "/api/v1/links", token, json=body))


def _ask(service: Service, method: str, path: str, token: str, **options: Any) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = service.request(method, path, headers=headers, **options)
    is_json = answer.headers.get("Content-Type", "").startswith("application/json")
    return answer.json() if is_json and answer.content else {}


def _picture(place: int, name: str) -> bytes:
    image = Image.new("RGB", (960, 640), _COLOURS[place])
    draw = ImageDraw.Draw(image)
    for step in range(12):
        colour = _COLOURS[(place + step) % len(_COLOURS)]
        draw.ellipse((step * 80, 90 + step * 35, step * 80 + 300, 390 + step * 35), fill=colour)
    kept = io.BytesIO()
    image.save(kept, "PNG" if name.endswith("png") else "JPEG")
    return kept.getvalue()


def _pdf(title: str) -> bytes:
    return b"%PDF-1.4\n1 0 obj<</Title(" + title.encode() + b")>>endobj\n" + b"% text\n" * 9000 + b"%%EOF\n"


def _zip() -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as archive:
        for number in range(8):
            archive.writestr(f"table-{number}.csv", "a,b,c\n" * 20_000)
    return kept.getvalue()


UPLOADS = {
    "meeting notes.txt": b"Agreed: we ship on Monday.\n" * 700,
    "floor plan.pdf": _pdf("Floor plan"),
    "사진 모음.zip": _zip(),
}
"""Files for somebody to upload by hand, by name."""
