"""Pages of other origins: what browser libraries send is allowed, what answers carry is readable."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from flask.testing import FlaskClient

from filewallball.web.cors import ANSWER_HEADERS, REQUEST_HEADERS, headers_for
from harness.servers import Front, Service
from tests.access.people import Build, client_of
from tests.conftest import ADMIN_TOKEN
from tests.raw import Answer, send

ORIGIN, OTHER = "https://app.example.org", "https://other.example.org"
# As the libraries' sources have them: what a page sends when it uploads or fetches with each of them.
LIBRARIES = {
    "fetch with cache: reload": ["cache-control", "pragma"],
    "fetch of a part": ["range", "if-range", "if-none-match", "if-modified-since"],
    "fetch with a digest": ["content-digest", "repr-digest", "content-type"],
    "axios": ["authorization", "content-type", "x-requested-with", "x-xsrf-token"],
    "jQuery and Blueimp File Upload": ["x-requested-with", "content-disposition", "content-type"],
    "Angular": ["authorization", "content-type", "x-xsrf-token"],
    "Dropzone": ["cache-control", "x-requested-with"],
    "Fine Uploader": ["cache-control", "x-requested-with", "x-mime-type", "content-type"],
    "Uppy XHR Upload": ["authorization", "content-type", "x-requested-with"],
    "tus-js-client": [
        "authorization", "content-type", "tus-resumable", "upload-length", "upload-offset", "upload-metadata",
        "upload-concat", "upload-defer-length", "upload-checksum", "x-request-id",
    ],
    "the draft of resumable uploads": ["upload-complete", "upload-draft-interop-version", "upload-offset"],
    "OpenTelemetry": ["traceparent", "tracestate", "baggage"],
    "Zipkin": ["b3", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags"],
    "Sentry": ["sentry-trace", "baggage"],
    "Datadog": ["x-datadog-trace-id", "x-datadog-parent-id", "x-datadog-origin", "x-datadog-sampling-priority"],
    "Elastic, New Relic, Jaeger": ["elastic-apm-traceparent", "newrelic", "uber-trace-id"],
    "our own": ["authorization", "x-delete-token", "x-request-id", "if-match"],
}  # fmt: skip
# A page may read these of any answer (Fetch standard), or has no use for them: they are for the browser.
SAFELISTED = {"cache-control", "content-language", "content-type", "expires", "last-modified", "pragma"}
FOR_THE_BROWSER = {
    *(
        "content-security-policy",
        "cross-origin-opener-policy",
        "cross-origin-resource-policy",
        "referrer-policy",
    ),
    *("strict-transport-security", "x-content-type-options", "x-frame-options", "connection", "server"),
    *("access-control-allow-origin", "access-control-expose-headers", "transfer-encoding"),
}
EXPOSED = {name.lower() for name in ANSWER_HEADERS}
UNREADABLE = {
    414: b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: x\r\n",
    431: b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 20_000 + b"\r\n",
    400: b"GET / HTTP/1.1\r\nHost: x\r\na b: c\r\n",
}


def preflight(client: FlaskClient, path: str, method: str, *headers: str) -> dict[str, str]:
    answer = client.options(
        path,
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": ",".join(sorted(headers)),
        },
    )
    assert answer.status_code == 200
    return dict(answer.headers)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("origins", ["*", f"{ORIGIN},{OTHER}"])
def test_the_preflights_of_browser_libraries_pass(build: Build, library: str, origins: str) -> None:
    client = build(CORS_ORIGINS=origins).test_client()

    for method, path in (
        ("POST", "/upload"),
        ("PUT", "/upload/a"),
        ("GET", "/download/x"),
        ("DELETE", "/files/x"),
    ):
        answer = preflight(client, path, method, *LIBRARIES[library])
        allowed = {name.strip().lower() for name in answer["Access-Control-Allow-Headers"].split(",")}
        assert answer["Access-Control-Allow-Origin"] in ("*", ORIGIN)
        assert method in answer["Access-Control-Allow-Methods"]
        assert set(LIBRARIES[library]) <= allowed


def test_no_header_that_says_who_asks_is_allowed() -> None:
    names = {name.lower() for name in REQUEST_HEADERS}

    assert not {name for name in names if name.startswith("x-forwarded")}
    assert not names & {
        "forwarded",
        "via",
        "x-real-ip",
        "host",
        "origin",
        "cookie",
        "true-client-ip",
        "cf-connecting-ip",
    }
    assert len(names) == len(REQUEST_HEADERS)


def test_a_page_can_read_every_header_of_every_answer(build: Build) -> None:
    app = build(CORS_ORIGINS=ORIGIN, RATELIMIT_DOWNLOAD="4/hour", PUBLIC_URL="https://files.example.org")
    admin, anybody = client_of(app, ADMIN_TOKEN), client_of(app, address="203.0.113.7")
    file = anybody.put("/upload/a.txt", data=b"words").get_json()
    path, page = f"/download/{file['file_id']}", {"Origin": ORIGIN}
    answers = [
        anybody.put("/upload/b.txt", data=b"words", headers=page),
        anybody.post("/upload", data={"file": (BytesIO(b"words"), "c.txt")}, headers=page),
        *(anybody.get(path, headers={**page, **more}) for more in ({}, {"Range": "bytes=0-1"}, {"Range": "bytes=9-"})),
        anybody.get(path, headers={**page, "If-None-Match": f'"{file["file_hash"]}"'}),
        anybody.get(path, headers=page),
        anybody.head(path, headers=page),
        *(admin.get(each, headers=page) for each in ("/files", "/nowhere", "/health", "/")),
        anybody.get("/api/v1/access/users", headers=page),
        anybody.patch("/upload", headers=page),
        admin.get("/api/v1/audit/logs", headers=page),
        admin.get("/api/v1/audit/export?format=csv", headers=page),
        admin.get("/metrics", headers=page),
        anybody.get("/docs", headers=page),
    ]  # fmt: skip

    assert {answer.status_code for answer in answers} >= {200, 201, 206, 304, 401, 404, 405, 416, 429}
    for answer in answers:
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        hidden = {name.lower() for name in dict(answer.headers)} - EXPOSED - SAFELISTED - FOR_THE_BROWSER
        assert not hidden, answer


@pytest.mark.parametrize(
    ("url", "base"), [("", ""), ("https://files.example.org", "https://files.example.org")]
)
def test_an_upload_says_where_the_file_is_described(build: Build, url: str, base: str) -> None:
    client = build(PUBLIC_URL=url).test_client()
    put = client.put("/upload/a.txt", data=b"words")
    post = client.post("/upload", data={"file": (BytesIO(b"words"), "c.txt")})

    for answer in (put, post):
        file = answer.get_json()
        assert answer.status_code == 201
        assert answer.headers["Location"] == f"{base}/files/{file['file_id']}"
        described = client.get(answer.headers["Location"].removeprefix(base))
        assert described.get_json()["file_hash"] == file["file_hash"]


def test_the_description_of_the_api_names_the_location(build: Build) -> None:
    paths = build().test_client().get("/openapi.json").get_json()["paths"]

    for path, method in (("/upload", "post"), ("/upload/{filename}", "put")):
        assert "Location" in paths[path][method]["responses"]["201"]["headers"]


@pytest.mark.parametrize(
    ("origins", "origin", "named"),
    [
        ((), ORIGIN, None),
        (("*",), "", "*"),
        (("*",), ORIGIN, "*"),
        ((ORIGIN,), "", ORIGIN),
        ((ORIGIN,), ORIGIN, ORIGIN),
        ((ORIGIN,), OTHER, None),
        ((ORIGIN, OTHER), OTHER, OTHER),
        ((ORIGIN, OTHER), "", None),
        ((ORIGIN, OTHER), "https://evil.example", None),
    ],
)
def test_an_origin_is_named_only_if_it_is_allowed(
    origins: tuple[str, ...], origin: str, named: str | None
) -> None:
    assert dict(headers_for(origins, origin)).get("Access-Control-Allow-Origin") == named


@pytest.fixture(scope="module", params=["*", ORIGIN])
def ports(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[dict[str, int]]:
    """The ports of a service that lets pages in, and of the shipped nginx before it."""
    folder = tmp_path_factory.mktemp("cors")
    settings = {"CORS_ORIGINS": request.param, "TRUSTED_PROXIES": "127.0.0.0/8", "X_ACCEL": "true"}
    service = Service(folder / "service", settings, workers=1).start()
    front = Front(folder / "front")
    front.ship(service.environment())
    front.start()
    yield {"gunicorn": service.port, "nginx": front.port}
    front.kill()
    service.kill()


def refused(port: int, status: int, origin: str = ORIGIN) -> Answer:
    """The answer to what the server itself refuses, asked by a page."""
    head = UNREADABLE[status].replace(b"Host: x\r\n", f"Host: x\r\nOrigin: {origin}\r\n".encode())
    (answer,) = send(port, head + b"\r\n")
    assert answer.status == status
    return answer


@pytest.mark.server
@pytest.mark.parametrize(
    ("server", "status"),
    [("gunicorn", 400), ("gunicorn", 414), ("gunicorn", 431), ("nginx", 414), ("nginx", 431)],
)
def test_what_the_server_itself_refuses_a_page_can_read(
    ports: dict[str, int], server: str, status: int
) -> None:
    answer = refused(ports[server], status)

    assert answer.headers["access-control-allow-origin"] in ("*", ORIGIN)
    assert "X-Request-ID" in answer.headers["access-control-expose-headers"]


@pytest.mark.server
def test_what_nginx_refuses_by_length_a_page_can_read(ports: dict[str, int]) -> None:
    head = b"POST /upload HTTP/1.1\r\nHost: x\r\nOrigin: %s\r\nContent-Length: 999999999999\r\n\r\n"

    with ThreadPoolExecutor() as clients:  # nginx listens for five seconds more to each
        asked = clients.map(
            lambda origin: send(ports["nginx"], head % origin), (ORIGIN.encode(), b"https://app_example_org")
        )
        (allowed,), (foreign,) = asked

    assert allowed.status == foreign.status == 413
    assert allowed.headers["access-control-allow-origin"] in ("*", ORIGIN)
    assert foreign.headers.get("access-control-allow-origin") in ("*", None)
