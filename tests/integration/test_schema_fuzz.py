"""Whatever the API's own description allows to be sent: no 500, no undocumented status, no worker lost."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from filewallball.permissions import ROLES
from tests.conftest import ADMIN_TOKEN
from tests.servers import Service

EVERYBODY = ("anonymous", *ROLES)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service without limits, and nothing that a fuzzer could overstep."""
    folder: Path = tmp_path_factory.mktemp("fuzzed")
    quiet = {"ADMIN_TOKEN": ADMIN_TOKEN, "RATELIMIT_AUTH": "off", "LOG_LEVEL": "ERROR", "MIN_FREE_SPACE": "0"}
    server = Service(folder, quiet)
    server.start()
    yield server
    server.kill()


@pytest.mark.soak
@pytest.mark.parametrize("role", EVERYBODY)
def test_no_request_that_the_description_allows_breaks_the_service(
    target: Service, role: str, rounds: Callable[[int, int], int]
) -> None:
    workers, headers = target.worker_pids(), credentials(target, role)
    schema = schemathesis.openapi.from_url(f"{target.url}/openapi.json")
    broken: list[str] = []

    with requests.Session() as session:
        session.trust_env = False
        session.headers.update(headers)
        for found in schema.get_all_operations():
            broken += campaign(found.ok(), rounds(4, 450), session)  # type: ignore[union-attr]

    assert broken == []
    assert target.worker_pids() == workers
    assert "Traceback" not in target.log_text()


def campaign(operation: Any, examples: int, session: requests.Session) -> list[str]:
    """Send so many generated requests for one operation; returns what should not have been answered."""
    documented = set(operation.definition.raw["responses"])
    broken = []

    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=examples < 100,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def send(case: Any) -> None:
        answer = case.call(session=session)
        is_known = str(answer.status_code) in documented or "default" in documented
        if answer.status_code == 500 or not is_known:
            broken.append(f"{answer.status_code} {case.as_curl_command()} {answer.text[:300]}")

    send()
    return broken


def credentials(target: Service, role: str) -> dict[str, str]:
    if role == "anonymous":
        return {}
    if role == "admin":
        return {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    target.cli("users", "create", f"some-{role}", "--role", role)
    return {"Authorization": f"Bearer {target.cli('tokens', 'create', f'some-{role}').strip()}"}
