"""What a command has of the service, made when it asks for it, does as in a process that answers requests."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from filewallball import create_app, open_service
from filewallball.access.gate import Gate
from filewallball.assembly import GROUPS
from filewallball.observability.metrics import Metrics
from filewallball.recording.event import DENIED, Event
from filewallball.recording.operations import Ledger
from filewallball.registry import Registry, part
from filewallball.settings.loading import load_settings
from filewallball.settings.service import Settings
from filewallball.web.app import Application
from harness import ROOT


@pytest.fixture
def service(prepared_sqlite: Path, tmp_path: Path) -> Iterator[Registry]:
    """A service of which nothing is made yet."""
    shutil.copyfile(prepared_sqlite, tmp_path / "filewallball.db")
    with closing(
        open_service(load_settings({"DATA_DIR": str(tmp_path), "AUTOBLOCK_AUTH": "1/hour"}))
    ) as opened:
        yield opened


def test_every_module_of_the_assembly_is_a_group_of_parts() -> None:
    modules = {path.stem for path in (ROOT / "filewallball" / "assembly").glob("[a-z]*.py")}

    assert modules == set(GROUPS)


def test_a_command_counts_a_request_under_its_route(service: Registry) -> None:
    app = create_app(part(Settings, service))
    routes = {rule.rule for rule in app.url_map.iter_rules()} - {"/metrics"}

    assert {part(Metrics, service).endpoint(route) for route in routes} == routes


def test_a_command_that_learns_of_an_offence_tells_the_gate(
    service: Registry, event: Callable[..., Event]
) -> None:
    ledger = part(Ledger, service)
    ledger.tell(event("file:view", ip_address="192.0.2.7"))
    assert not service.has(Application)

    for _ in range(2):
        ledger.tell(event("auth:fail", ip_address="192.0.2.7", status=DENIED, error_type="auth_unknown"))

    assert [each.network for each in part(Gate, service).take_offenders()] == ["192.0.2.7"]
