"""One service with samples in it and one browser for all tests of a process, and a person of its own for each test."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest

from harness.samples import ADMIN_TOKEN, Samples, fill, new_user
from harness.servers import Browser, Service
from tests.console.visitor import OWN, STILL, Visitor

_numbers = count(1)


@pytest.fixture(scope="session")
def console_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A running service."""
    settings = {"ADMIN_TOKEN": ADMIN_TOKEN, "MAX_UPLOAD_SIZE": "300MiB"}
    service = Service(tmp_path_factory.mktemp("console-service"), settings).start()
    yield service
    service.kill()


@pytest.fixture(scope="session")
def samples(console_service: Service) -> Samples:
    """Files, links and users that tests look at and leave as they are."""
    return fill(console_service)


@pytest.fixture(scope="session")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser that reaches this machine alone."""
    browser = Browser(tmp_path_factory.mktemp("browser")).start()
    browser.command_page("Emulation.setEmulatedMedia", {"features": [STILL]})
    yield browser
    browser.stop()


@pytest.fixture
def visitor(console_service: Service, window: Browser, samples: Samples) -> Visitor:
    """A person whom nobody else is, with nothing of their own yet, at a browser that knows nothing of former ones."""
    name = f"visitor-{next(_numbers)}"
    tokens = {**samples.tokens, OWN: new_user(console_service, name, "user")}
    for download in window.downloads.iterdir():
        download.unlink()
    window.resize(1440)
    visitor = Visitor(name, console_service, window, replace(samples, tokens=tokens))
    visitor.faults()
    return visitor
