"""The commands and programs of the documentation, read from its pages and run against a real service.

A block after `<!-- not run: … -->` is left out, and so are the sketches of architecture.md. The Korean pages have the
same blocks, as tests/ops/test_translation.py says."""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from harness import ROOT
from harness.servers import Service
from tests.conftest import ADMIN_TOKEN
from tests.files.samples import PNG

pytestmark = pytest.mark.server
AS_ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
SETTINGS = {"ADMIN_TOKEN": ADMIN_TOKEN, "MIN_FREE_SPACE": "0"}
_DAY = timedelta(days=1)
_BLOCK = re.compile(r"^(<!-- not run: [^\n]+ -->\n)?```(sh|python|js)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_NEEDS_A_HOST = (
    r"apt-get|systemctl|docker|buildah|doctor|make run|pip install|runuser|/etc/|/var/|audit grants"
)
_PAGES = [ROOT / "README.md", *sorted(set((ROOT / "docs").glob("*.md")) - {ROOT / "docs/architecture.md"})]
_BY = {"sh": ["bash", "-euo", "pipefail"], "python": [str(ROOT / ".venv/bin/python")], "js": ["node"]}
# A refusal is a failure, which curl tells by its status only when asked to.
_BEGIN = {
    "sh": 'curl() { [ "$1" = -f ] || set -- --fail-with-body "$@"; command curl --silent --show-error "$@"; }\n',
    "python": f"token = {ADMIN_TOKEN!r}\n",
    "js": "",
}


@dataclass(frozen=True, slots=True)
class Block:
    """One block of code of a page."""

    page: Path
    kind: str
    text: str


def blocks() -> Iterator[Block]:
    """Every block that can be run."""
    for page in _PAGES:
        for left_out, kind, text in _BLOCK.findall(page.read_text()):
            if not left_out:
                yield Block(page, kind, text)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    running = Service(tmp_path_factory.mktemp("service"), SETTINGS).start()
    yield running
    running.kill()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with what the pages speak of, as a checkout after `make run` has it."""
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    (tmp_path / "instance").mkdir()
    (tmp_path / "instance/admin-token").write_text(ADMIN_TOKEN)
    (tmp_path / "environment").write_text(_environment_of_the_walk_through())
    for name in ("photo.jpg", "fetched.jpg", "folder/a.png", "photos/b.png", "project/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        # As a download that stopped before its end: curl goes on with it.
        (tmp_path / name).write_bytes(PNG[:-1])
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.4\n%%EOF\n")
    (tmp_path / "notes.txt").write_text("A note.\n")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "backups").mkdir()
    return tmp_path


class ServedService(Service):
    """`filewallball serve` in its folder, as the quick start has it."""

    def command(self) -> list[str]:
        return [str(ROOT / ".venv/bin/filewallball"), "serve", "--port", str(self.port)]

    def environment(self) -> dict[str, str]:
        return super().environment() | {"PYTHONPATH": str(ROOT)}


@pytest.mark.parametrize("block", list(blocks()), ids=lambda block: f"{block.page.name}-{block.text[:30]!r}")
def test_a_block_runs_without_a_failure(block: Block, server: Service, folder: Path) -> None:
    script = folder / "script.mjs"
    script.write_text(_BEGIN[block.kind] + _here(block, server, folder))
    environ = os.environ | server.environment()
    environ |= {
        "PATH": f"{ROOT}/.venv/bin:{environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HOME": str(folder),
        "TOKEN": ADMIN_TOKEN,
        "FWB_SERVER": server.url,
        "FWB_TOKEN": ADMIN_TOKEN,
        "S": server.url,
    }
    command = [*_BY[block.kind], str(script)]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, f"{block.text}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("page", ["README.md", "docs/quickstart.md"])
def test_the_limit_of_the_quick_start_holds(tmp_path: Path, page: str) -> None:
    line = re.search(r"^echo 'RATELIMIT_UPLOAD.*$", (ROOT / page).read_text(), re.MULTILINE)
    assert line
    subprocess.run(["bash", "-c", line.group()], cwd=tmp_path, check=True, timeout=60)
    service = ServedService(tmp_path, SETTINGS).start()
    try:
        # One more than the page says, for a minute that ends just now.
        answers = [requests.put(f"{service.url}/upload/a.png", data=PNG, timeout=60) for _ in range(4)]
    finally:
        service.kill()

    assert [answer.status_code for answer in answers[:2]] == [201, 201]
    assert answers[-1].status_code == 429
    assert "Retry-After" in answers[-1].headers


def test_most_blocks_are_run() -> None:
    every = [found for page in _PAGES for found in _BLOCK.findall(page.read_text())]
    left_out = [text for mark, _, text in every if mark]

    assert len(list(blocks())) >= 18
    assert all(re.search(_NEEDS_A_HOST, text) for text in left_out)


def _here(block: Block, server: Service, folder: Path) -> str:
    """The text with this service's address, this folder, and files that are there."""
    text, today = block.text, datetime.now(UTC)
    for name, found in _made(server, private=block.page.name == "links.md").items():
        text = re.sub(name, found, text)
    if "UPLOAD_ID" in text:  # an address may leave only so many unfinished
        text = text.replace("UPLOAD_ID", _begun(server))
    for name, instead in {
        r"http://127\.0\.0\.1:8000|https://files\.example\.org": server.url,
        r"/etc/filewallball/ops": f"{folder}/ops",
        r"/etc/filewallball/environment": f"{folder}/environment",
        r"(?<= )/backups": f"{folder}/backups",
        r"-o /tmp/": f"-o {folder}/elsewhere/",
        # The log of this test begins today.
        r"--from 2024-01-01 --to 2024-01-31": f"--from {today - _DAY:%F} --to {today + 2 * _DAY:%F}",
        # To an empty place; and a second user of the name would be one too many.
        r"filewallball backup restore": f"DATA_DIR={folder}/empty filewallball backup restore",
        r'"username": "alice"': '"username": "berta"',
    }.items():
        text = re.sub(name, instead, text)
    return text


def _begun(server: Service) -> str:
    """The id of a resumable upload of the test's own."""
    begun = requests.post(
        f"{server.url}/uploads",
        headers={
            "Tus-Resumable": "1.0.0",
            "Upload-Length": "11",
            "Upload-Metadata": "filename aGVsbG8udHh0",
        },
        timeout=60,
    )
    return begun.headers["Location"].rsplit("/", 1)[1]


def _made(server: Service, *, private: bool) -> dict[str, str]:
    """An upload and tokens of the test's own, by the names that stand for them on the pages."""
    answer = requests.post(
        f"{server.url}/upload",
        files={"file": ("holiday.png", PNG)},
        data={"visibility": "private"} if private else {},
        headers=AS_ADMIN if private else {},
        timeout=60,
    ).json()
    return {
        r"\bFILE_ID\b": answer["file_id"],
        r"(?<=X-Delete-Token: )TOKEN": answer["delete_token"] or "",
        r"(?<=Bearer )TOKEN": ADMIN_TOKEN,
    }


def _environment_of_the_walk_through() -> str:
    text = (ROOT / "docs/deploy.md").read_text()
    found = re.search(r"^```sh\n(DATA_DIR=.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert found
    return found.group(1)
