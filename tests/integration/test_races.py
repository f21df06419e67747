"""Many clients at once: the same bytes, deletes beside downloads, sweeps beside uploads."""

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from harness.servers import Service
from harness.waiting import wait_until

CONTENT = b"the same bytes for everybody " * 2000


@pytest.fixture
def server(service: Callable[..., Service], database_url: str) -> Service:
    """A service with threads for many clients."""
    return service({"DATABASE_URL": database_url, "THREADS": "16", "MIN_FREE_SPACE": "0"})


def blobs(server: Service) -> list[Path]:
    return [path for path in (server.data_dir / "storage" / "blobs").rglob("*") if path.is_file()]


def upload(server: Service, content: bytes = CONTENT) -> dict[str, Any]:
    answer = server.request("POST", "/upload", files={"file": ("same.bin", content)})
    assert answer.status_code == 201, answer.text
    file: dict[str, Any] = answer.json()
    return file


def delete(server: Service, file: dict[str, Any]) -> int:
    headers = {"X-Delete-Token": file["delete_token"]}
    return server.request("DELETE", f"/files/{file['file_id']}", headers=headers).status_code


@pytest.mark.slow
def test_fifty_uploads_of_the_same_bytes_are_fifty_files_and_one_blob(server: Service) -> None:
    with ThreadPoolExecutor(25) as clients:
        files = list(clients.map(lambda _: upload(server), range(50)))
        contents = set(clients.map(lambda file: server.request("GET", file["download_url"]).content, files))

    assert len({file["file_id"] for file in files}) == 50
    assert Counter(file["is_duplicate"] for file in files) == {True: 49, False: 1}
    assert contents == {CONTENT}
    wait_until(lambda: len(blobs(server)) == 1, what="only one blob is left")

    with ThreadPoolExecutor(25) as clients:
        answers = Counter(clients.map(lambda file: delete(server, file), files + files))
    assert answers == {204: 50, 404: 50}
    wait_until(lambda: blobs(server) == [], seconds=90, what="the bytes are gone with their last file")


def test_deletes_and_sweeps_never_break_a_living_file(
    server: Service, rounds: Callable[[int, int], int]
) -> None:
    """The last file of some bytes is deleted while the same bytes are uploaded and read, with the sweep running."""

    def churn(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(rounds(15, 2500)):
            file = upload(server, CONTENT[: chance.randint(1, 3) * 1000])
            for _ in range(chance.randint(0, 3)):
                answer = server.request("GET", file["download_url"])
                assert (answer.status_code, len(answer.content)) == (200, file["file_size"])
            assert delete(server, file) == 204
            assert server.request("GET", file["download_url"]).status_code == 404

    with ThreadPoolExecutor(5) as clients:
        work = [clients.submit(churn, seed) for seed in range(4)]
        while not all(task.done() for task in work):
            server.cli("maintain", "--once")
        for task in work:
            task.result()
