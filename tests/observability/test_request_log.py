"""Each request is one record, as specified field for field; a failure is one more; probes and secrets are not seen."""

import json
import logging
import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from filewallball.observability.logs import configure_logging
from harness.parts import Parts
from tests.conftest import ADMIN_TOKEN
from tests.observability.scrape import samples_of, value_of

REQUEST = [
    *("timestamp", "level", "logger", "message", "request_id", "method", "path", "status_code"),
    *("response_time", "client_ip", "user_agent", "file_size", "file_type", "trace_id"),
]
ERROR = [
    *("timestamp", "level", "logger", "message", "request_id", "error_type", "error_message", "client_ip"),
    *("file_size", "max_size", "stack_trace", "trace_id"),
]
Records = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def log_file(environ: dict[str, str]) -> Path:
    """The file to which the test's applications log."""
    return Path(environ["DATA_DIR"], "logs", "filewallball.log")


@pytest.fixture
def records(log_file: Path) -> Records:
    """The logged records of one logger."""

    def read(logger: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in log_file.read_text().splitlines()]
        return [line for line in lines if line["logger"] == f"filewallball.{logger}"]

    return read


def upload(client: FlaskClient, content: bytes, name: str = "a.txt") -> Any:
    return client.post("/upload", data={"file": (BytesIO(content), name)})


def test_a_request_is_recorded_field_for_field(client: FlaskClient, records: Records) -> None:
    answer = upload(client, b"some text\n")
    (record,) = records("request")
    assert list(record) == REQUEST
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record["timestamp"])
    assert record["level"] == "INFO"
    assert record["message"] == "HTTP request processed"
    assert record["request_id"] == answer.headers["X-Request-ID"]
    assert (record["method"], record["path"], record["status_code"]) == ("POST", "/upload", 201)
    assert (record["file_size"], record["file_type"]) == (10, "text/plain")
    assert record["client_ip"] == "127.0.0.1"
    assert record["user_agent"].startswith("Werkzeug")
    assert 0 < record["response_time"] < 60_000


def test_a_refused_upload_is_recorded_field_for_field(
    set_config: Callable[..., Flask], records: Records
) -> None:
    client = set_config(MAX_UPLOAD_SIZE="1KB").test_client()
    answer = upload(client, b"x" * 2000)
    (record,) = records("error")
    assert list(record) == ERROR
    assert record["level"] == "ERROR"
    assert record["message"] == "File upload failed"
    assert record["request_id"] == answer.get_json()["request_id"]
    assert record["error_type"] == "file_too_large"
    assert record["error_message"] == "The limit is 1024 bytes."
    assert (record["file_size"], record["max_size"]) == (2000, 1024)
    assert ".py:" in record["stack_trace"]
    assert records("request")[0]["error_type"] == "file_too_large"


def test_a_failure_of_ours_comes_with_its_traceback(app: Flask, records: Records) -> None:
    @app.get("/broken")
    def broken() -> str:
        raise LookupError("lost in here")

    answer = app.test_client().get("/broken")
    (record,) = records("error")
    assert answer.status_code == 500
    assert b"lost in here" not in answer.data
    assert record["error_type"] == "internal_error"
    assert "LookupError: lost in here" in record["stack_trace"]
    assert "in broken" in record["stack_trace"]


def test_refusals_of_access_and_strange_paths_are_no_errors(client: FlaskClient, records: Records) -> None:
    client.get("/api/v1/audit/logs")
    client.get("/nothing/here")
    assert records("error") == []
    assert [record["status_code"] for record in records("request")] == [401, 404]
    assert records("request")[0]["error_type"] == "auth_missing"


def test_probes_are_quiet_unless_they_fail(client: FlaskClient, records: Records, log_file: Path) -> None:
    for path in ("/health/live", "/health/ready", "/metrics"):
        assert client.get(path).status_code == 200
    assert not log_file.exists() or records("request") == []
    client.get("/metrics", environ_base={"REMOTE_ADDR": "192.0.2.1"})
    assert [record["status_code"] for record in records("request")] == [401]


def test_probes_show_on_the_debug_level(set_config: Callable[..., Flask], records: Records) -> None:
    set_config(LOG_LEVEL="DEBUG").test_client().get("/health/live")
    assert [record["level"] for record in records("request")] == ["DEBUG"]


def test_a_higher_level_leaves_requests_out(
    set_config: Callable[..., Flask], records: Records, log_file: Path
) -> None:
    client = set_config(LOG_LEVEL="ERROR", MAX_UPLOAD_SIZE="1KB").test_client()
    upload(client, b"x")
    assert not log_file.exists()
    upload(client, b"x" * 2000)
    assert records("request") == []
    assert len(records("error")) == 1


def test_text_lines_say_the_same(set_config: Callable[..., Flask], log_file: Path) -> None:
    upload(set_config(LOG_FORMAT="text").test_client(), b"some text\n")
    (line,) = [line for line in log_file.read_text().splitlines() if "filewallball.request" in line]
    assert " INFO filewallball.request HTTP request processed request_id=req_" in line
    assert " method=POST path=/upload status_code=201 " in line


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_what_clients_send_never_reaches_a_sink_raw(
    set_config: Callable[..., Flask], log_file: Path, log_format: str
) -> None:
    client = set_config(LOG_FORMAT=log_format, MAX_UPLOAD_SIZE="1KB").test_client()
    nasty = "a\x1b[2Jb\u202ec\u2028d\u0085e\x7f"
    client.get(f"/x/{nasty}\r\n{{}}", headers={"User-Agent": nasty.encode().decode("latin-1")})
    client.open("/upload/x%0d%0a%1b", method="PUT", data=b"x" * 2000, headers={"User-Agent": "\xff\xfe\x00"})
    upload(client, b"x" * 2000, name=nasty)
    lines = log_file.read_text().splitlines()
    assert len(lines) == 5
    assert all(line.isprintable() and "\u202e" not in line for line in lines)


def test_no_line_of_a_refused_request_is_long(client: FlaskClient, log_file: Path) -> None:
    client.get("/" + "\x01" * 8000, headers={"User-Agent": "\x02" * 8000})
    client.get("/" + "x" * 8000, headers={"User-Agent": "y" * 8000})
    client.get("/" + "\ud55c" * 8000, headers={"User-Agent": "\xff" * 8000})
    assert max(map(len, log_file.read_bytes().splitlines())) < 2048


def test_credentials_are_in_no_line(set_config: Callable[..., Flask], log_file: Path) -> None:
    app = set_config()

    @app.get("/broken")
    def broken() -> str:
        raise LookupError(f"token {ADMIN_TOKEN} did not work")

    client = app.test_client()
    client.get("/files?token=query-secret", headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})
    client.get("/files", headers={"Authorization": "Bearer made-up-secret"})
    client.get(f"/download/{ADMIN_TOKEN}")
    client.get("/broken")
    logging.getLogger("filewallball.audit").warning("Bearer %s", "eyJhbGciOi.payload")
    text = log_file.read_text()
    for secret in (ADMIN_TOKEN, "query-secret", "made-up-secret", "eyJhbGciOi"):
        assert secret not in text
    assert len(text.splitlines()) >= 6


def test_gunicorns_messages_go_without_queries_and_quoted_headers(
    set_config: Callable[..., Flask], records: Records, log_file: Path
) -> None:
    set_config()
    gunicorn = logging.getLogger("gunicorn.error")
    gunicorn.warning("Error handling request %s %s", "GET", "/download/1?token=hunter2")
    gunicorn.warning("Invalid request from ip=1.2.3.4: Invalid HTTP Header: 'Authorization hunter2'")
    text = log_file.read_text()
    assert "hunter2" not in text
    assert "GET /download/1" in text
    assert "ip=1.2.3.4: Invalid HTTP Header" in text


def test_records_of_every_room_go_to_both_sinks_and_to_other_handlers(
    app: Flask, log_file: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    configure_logging(Parts(app).settings)
    logging.getLogger("filewallball.sweep").info("orphan blob removed", extra={"blob": "ab/cd"})
    logging.getLogger("somebody.else").info("chatter")
    logging.getLogger("somebody.else").warning("worth knowing")
    lines = [json.loads(line) for line in log_file.read_text().splitlines()]
    assert [line["message"] for line in lines] == ["orphan blob removed", "worth knowing"]
    assert lines[0]["blob"] == "ab/cd"
    assert capfd.readouterr().err == log_file.read_text()
    assert "orphan blob removed" in caplog.text


def test_setting_up_again_does_not_double_the_lines(set_config: Callable[..., Flask], log_file: Path) -> None:
    for _ in range(3):
        set_config()
    logging.getLogger("filewallball.sweep").warning("once")
    assert len(log_file.read_text().splitlines()) == 1


def test_a_log_that_cannot_be_written_loses_lines_and_no_request(
    set_config: Callable[..., Flask], capfd: pytest.CaptureFixture[str]
) -> None:
    client = set_config(LOG_FILE="/dev/full").test_client()
    assert upload(client, b"text").status_code == 201
    samples = samples_of(client.get("/metrics").get_data(as_text=True))
    assert value_of(samples, "log_records_dropped_total", sink="file") == 1
    assert value_of(samples, "log_records_dropped_total", sink="console") == 0
