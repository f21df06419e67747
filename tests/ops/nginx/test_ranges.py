"""Ranges behind the shipped nginx and without it: one answer, and the record says what was sent."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from harness.servers import Front, Service
from harness.waiting import wait_until
from tests.conftest import ADMIN_TOKEN
from tests.ops.nginx.conftest import SETTINGS
from tests.raw import Answer, send

CONTENT = bytes(range(256)) * 4
SIZE = len(CONTENT)
AS_ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
FORMS = [
    *(
        "0-",
        "0-0",
        "5-9",
        "-1",
        "-5",
        "1023-",
        "0-1023",
        "0-1024",
        "1024-",
        "1024-2000",
        "-1024",
        "-1025",
        "-0",
    ),
    *(
        "-00",
        "00-05",
        "0-00000000000000000000000005",
        "5-2",
        "-",
        "",
        "--5",
        "5",
        "a-b",
        "0-x",
        "+1-2",
        "1 - 2",
    ),
    *(
        " 0-5",
        "0-5 ",
        "0 -5",
        "\t0-5",
        "0-5,",
        ",0-5",
        "0-1,3-4",
        "0-1, 3-4",
        "0-,0-",
        "0-5,-5",
        "-5,0-5",
        "5-2,0-1",
    ),
    *(
        "0-99999999999999999999999",
        "-99999999999999999999999",
        "99999999999999999999999-",
        "0-9223372036854775807",
    ),
    *("0-9223372036854775806", "9223372036854775807-", "-9223372036854775808", "0-18446744073709551616"),
    *("0-999999999999999999", "-999999999999999999", "1e2-", "0x1-0x2", "0-" + "9" * 200, "٣-٥", "0-5;q=1"),
]
WHOLE_HEADERS = [
    *(
        "Bytes=0-4",
        "BYTES=0-4",
        "bytes =0-4",
        "bytes= 0-4",
        " bytes=0-4",
        "byte=0-4",
        "lines=0-4",
        "bytes 0-4",
    ),
    *("bytes:0-4", "bytes=", "bytes", "none", "=0-4", "bytes==0-4", "items=0-5, bytes=0-5"),
]
IF_RANGES = [
    *(
        '"{tag}"',
        'W/"{tag}"',
        '"other"',
        "{tag}",
        ' "{tag}" ',
        '"{tag}',
        "{modified}",
        "{modified} ",
        "nonsense",
        "",
    ),
    *("Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", '"{tag}", "other"', "*"),
]


@dataclass(frozen=True)
class Place:
    """Where a file lies, and what to ask for it with."""

    port: int
    service: Service
    file_id: str
    tag: str
    modified: str

    def ask(self, *lines: bytes) -> Answer:
        """The answer to a download with these header lines."""
        head = f"GET /download/{self.file_id} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        (answer,) = send(self.port, head.encode() + b"".join(line + b"\r\n" for line in lines) + b"\r\n")
        return answer

    def records(self) -> dict[str, tuple[str, int]]:
        """The kind and bytes on record of each request for the file, by request id."""
        path = f"/api/v1/audit/logs?size=500&resource_id={self.file_id}"
        rows = self.service.request("GET", path, headers=AS_ADMIN).json()["logs"]
        return {
            row["request_id"]: (row["details"].get("kind", ""), row["file_size"])
            for row in rows
            if row["action"] in ("file:download", "file:check")
        }


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose audit log can be read."""
    folder = tmp_path_factory.mktemp("ranges")
    server = Service(folder, {**SETTINGS, "ADMIN_TOKEN": ADMIN_TOKEN}).start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def known_front(known: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """The shipped nginx in front of it."""
    server = Front(tmp_path_factory.mktemp("ranges-front"))
    server.ship(known.environment())
    yield server.start()
    server.kill()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service without nginx."""
    settings = {"ADMIN_TOKEN": ADMIN_TOKEN, "MIN_FREE_SPACE": "0"}
    server = Service(tmp_path_factory.mktemp("plain"), settings).start()
    yield server
    server.kill()


@pytest.fixture
def places(known: Service, known_front: Front, plain: Service) -> tuple[Place, Place]:
    """The same bytes behind nginx and without it, as files of the test's own."""

    def place(service: Service, port: int) -> Place:
        file_id = service.request("PUT", "/upload/a.bin", data=CONTENT).json()["file_id"]
        head = service.request("HEAD", f"/download/{file_id}").headers
        return Place(port, service, file_id, head["ETag"].strip('"'), head["Last-Modified"])

    return place(known, known_front.port), place(plain, plain.port)


def expected_record(answer: Answer) -> tuple[str, int]:
    """What the audit log must say of an answer."""
    kind = {200: "full", 206: "partial"}.get(answer.status, "check")
    return kind, len(answer.body) if kind != "check" else 0


def check_agreement(places: tuple[Place, Place], requests: list[list[str]]) -> None:
    """Ask both for the same, and compare the answers with each other and with the records."""
    answers: list[dict[str, Answer]] = [{}, {}]
    for lines in requests:
        seen = []
        for place, found in zip(places, answers, strict=True):
            filled = [line.format(tag=place.tag, modified=place.modified).encode() for line in lines]
            answer = place.ask(*filled)
            found[answer.headers["x-request-id"]] = answer
            content = answer.body if answer.status in (200, 206) else b""
            seen.append((answer.status, answer.headers.get("content-range"), content))
        assert seen[0] == seen[1], lines
        assert seen[0][2] in CONTENT, lines
    for place, found in zip(places, answers, strict=True):
        check_records(place, found)


def check_records(place: Place, answers: dict[str, Answer]) -> None:
    """Compare the answers of one place with its records; refusals in number may be merged into one."""
    downloads = {name for name, answer in answers.items() if answer.status in (200, 206)}
    wait_until(lambda: downloads <= place.records().keys(), what="the records of the downloads")
    for name, record in place.records().items():
        if name in answers:
            assert record == expected_record(answers[name]), answers[name]


@pytest.mark.parametrize(
    "forms", [[f"bytes={form}" for form in FORMS], WHOLE_HEADERS], ids=["forms", "units"]
)
def test_every_form_of_a_range_has_one_answer_and_is_recorded_so(
    places: tuple[Place, Place], forms: list[str]
) -> None:
    check_agreement(places, [[f"Range: {form}"] for form in forms])


def test_a_part_of_another_version_is_not_sent_by_either(places: tuple[Place, Place]) -> None:
    ranges = ("bytes=0-4", "bytes=-0", "bytes=2000-", "bytes=0-99999999999999999999999")

    check_agreement(
        places, [[f"Range: {wanted}", f"If-Range: {version}"] for wanted in ranges for version in IF_RANGES]
    )


def test_several_range_headers_are_read_as_one_list(places: tuple[Place, Place]) -> None:
    check_agreement(
        places,
        [
            ["Range: bytes=0-4", "Range: bytes=5-9"],
            ["Range: bytes=0-4", "Range: bytes=0-4"],
            ["Range: lines=0-4", "Range: bytes=0-4"],
            ["Range: bytes=-0", "Range: bytes=0-4"],
            ["Range:", "Range: bytes=0-4"],
            ["range: bytes=0-4", "RANGE: bytes=2000-"],
        ],
    )


def test_conditions_beside_a_range_are_looked_at_once(places: tuple[Place, Place]) -> None:
    versions = ('"{tag}"', 'W/"{tag}"', '"other"', "*", "")
    dates = ("{modified}", "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "nonsense", "")
    conditions = [
        *(f"{name}: {value}" for name in ("If-Match", "If-None-Match") for value in versions),
        *(f"{name}: {value}" for name in ("If-Modified-Since", "If-Unmodified-Since") for value in dates),
    ]

    check_agreement(places, [[condition, "Range: bytes=0-4"] for condition in conditions])


def test_ranges_made_at_random_have_one_answer_and_are_recorded_so(
    places: tuple[Place, Place], rounds: Callable[[int, int], int]
) -> None:
    made = random.Random(9110)
    requests = [[f"Range: {_invented(made)}"] for _ in range(rounds(100, 400))]

    check_agreement(places, requests)


def _invented(made: random.Random) -> str:
    """A range with at most one slip of the pen."""
    size, limit = str(SIZE + made.randrange(-2, 3)), str(2**63 + made.randrange(-2, 2))
    numbers = ["", "0", "1", str(made.randrange(SIZE)), size, limit]
    spans = ",".join(
        made.choice(numbers) + made.choice(["-", "-", "-", "--", ""]) + made.choice(numbers)
        for _ in range(made.choice([1, 1, 1, 2]))
    )
    value = made.choice(["bytes=", "bytes=", "Bytes=", "bytes= ", "lines="]) + spans
    place = made.randrange(len(value) + 1)
    return value[:place] + made.choice(["", "", "", " ", "\t", "x", "0"]) + value[place:]
