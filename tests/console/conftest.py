"""A service with samples in it, and a browser: one of each for all tests of a module."""

from collections.abc import Iterator

import pytest

from harness.samples import ADMIN_TOKEN, fill
from harness.servers import Browser, Service
from tests.console.visitor import Visitor


@pytest.fixture(scope="module")
def console_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A running service."""
    settings = {"ADMIN_TOKEN": ADMIN_TOKEN, "MAX_UPLOAD_SIZE": "300MiB"}
    service = Service(tmp_path_factory.mktemp("console-service"), settings).start()
    yield service
    service.kill()


@pytest.fixture(scope="module")
def visitor(console_service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """A person at a console with a few files, links and users."""
    browser = Browser(tmp_path_factory.mktemp("browser")).start()
    browser.resize(1440)
    # Colours are measured, not waited for.
    still = {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]}
    browser.command_page("Emulation.setEmulatedMedia", still)
    yield Visitor(console_service, browser, fill(console_service))
    browser.stop()
