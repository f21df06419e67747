"""JSON bodies at the edges of the format: taken or refused with a clear code, never a failure of the service."""

import pytest

from tests.access.people import Build, client_of, events
from tests.conftest import ADMIN_TOKEN

ROUTES = [
    ("POST", "/api/v1/access/users", '{"username": "a", "role": %s}'),
    ("POST", "/api/v1/access/tokens", '{"user_id": %s}'),
    ("PUT", "/api/v1/access/quotas/users/1", '{"limit_bytes": %s}'),
    ("POST", "/api/v1/access/blocks", '{"network": "192.0.2.1", "reason": "r", "expires_in": %s}'),
    ("PUT", "/api/v1/stats/expected/192.0.2.9", '{"expected_within": %s}'),
]
VALUES = {
    "4,300 digits": "9" * 4300,
    "4,301 digits": "9" * 4301,
    "400,000 digits": "9" * 400_000,
    "a negative number of 5,000 digits": "-" + "9" * 5000,
    "309 digits": "1" * 309,
    "a number beyond 64 bits": str(2**64),
    "a number beyond 64 bits, negative": str(-(2**64)),
    "a number beyond a double": "1e999",
    "a large double": "1e308",
    "a huge exponent": "1e" + "9" * 5000,
    "a fraction of 5,000 digits": "-1." + "1" * 5000,
    "not a number": "NaN",
    "infinity": "Infinity",
    "negative infinity": "-Infinity",
    "a lone surrogate": '"\\ud800"',
    "a surrogate the wrong way round": '"\\udc00\\ud800"',
    "a zero character": '"\\u0000"',
    "a control character": '"\x01"',
    "an array in an array, deep": "[" * 50_000 + "]" * 50_000,
    "1,000 arrays": "[" * 1000 + "]" * 1000,
    "objects, deep": '{"a":' * 50_000 + "1" + "}" * 50_000,
    "arrays that never end": "[" * 100_000,
    "an object": "{}",
    "a key given twice": '{"a": 1, "a": 2}',
    "digits as text": '"' + "9" * 5000 + '"',
    "a long text": '"' + "x" * 500_000 + '"',
}
WHOLE = {
    "a byte order mark": b'\xef\xbb\xbf{"username": "a"}',
    "UTF-16": '{"username": "a"}'.encode("utf-16"),
    "UTF-16 without a mark": '{"username": "a"}'.encode("utf-16-le"),
    "UTF-32": '{"username": "a"}'.encode("utf-32"),
    "CP949": '{"username": "\ud55c\uad6d"}'.encode("cp949"),
    "Latin-1": '{"username": "\xe9"}'.encode("latin-1"),
    "overlong UTF-8": b'{"username": "\xc0\xae"}',
    "a surrogate in UTF-8": b'{"username": "\xed\xa0\x80"}',
    "a zero byte": b"\0",
    "white space": b"   ",
    "an array": b"[]",
    "a number": b"1",
    "nothing at all": b"null",
    "a text": b'"username"',
    "two values": b'{"username": "a"} {}',
    "a comma too many": b'{"username": "a",}',
    "single quotes": b"{'username': 'a'}",
    "a key given twice": b'{"username": "a", "username": "b"}',
    "a key given twice, differently written": b'{"username": "a", "\\u0075sername": "b"}',
}


@pytest.mark.parametrize("value", VALUES)
def test_no_value_is_a_failure_of_the_service(build: Build, value: str) -> None:
    admin = client_of(build(), ADMIN_TOKEN)

    for method, path, body in ROUTES:
        answer = admin.open(
            path, method=method, data=(body % VALUES[value]).encode(), content_type="application/json"
        )
        assert answer.status_code in (400, 422), (path, answer.text[:300])
        assert answer.get_json()["code"] in ("bad_request", "validation_error")
        assert len(answer.data) < 4000


@pytest.mark.parametrize("body", WHOLE)
@pytest.mark.parametrize("charset", ["", "; charset=utf-8", "; charset=utf-16", "; charset=nonsense"])
def test_what_is_no_json_in_utf_8_is_refused(build: Build, body: str, charset: str) -> None:
    admin = client_of(build(), ADMIN_TOKEN)

    answer = admin.post("/api/v1/access/users", data=WHOLE[body], content_type=f"application/json{charset}")

    assert answer.status_code in (400, 422), answer.text
    assert answer.get_json()["detail"]
    assert [row["status"] for row in events(admin, "user:create")] == ["failed"]


def test_json_as_clients_write_it_is_taken(build: Build) -> None:
    admin = client_of(build(), ADMIN_TOKEN)

    for number, body in enumerate(
        (
            '{"username": "\\ud55c\\uad6d 0"}',
            '{"username": "\ud55c\uad6d 1", "role": "user"}',
            ' \n{"username":\t"\\ud83d\\ude00 2"}\r\n',
        )
    ):
        answer = admin.post("/api/v1/access/users", data=body.encode(), content_type="application/json")
        assert answer.status_code == 201, (number, answer.text)
    quota = admin.put(
        "/api/v1/access/quotas/users/1", data=b'{"limit_bytes": 1e3}', content_type="application/json"
    )
    assert quota.status_code in (200, 422)
