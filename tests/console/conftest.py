"""A service with samples in it, and a browser: one of each for all tests of a module."""

from collections.abc import Iterator

import pytest

from harness.samples import ADMIN_TOKEN, fill
from harness.servers import Browser, Service
from tests.console.visitor import Visitor


@pytest.fixture(scope="module")
def visitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """A person at a console with a few files, links and users."""
    folder = tmp_path_factory.mktemp("console")
    service = Service(folder / "service", {"ADMIN_TOKEN": ADMIN_TOKEN}).start()
    browser = Browser(folder / "browser").start()
    browser.resize(1440)
    still = {
        "features": [{"name": "prefers-reduced-motion", "value": "reduce"}]
    }  # colours are measured, not waited for
    browser.command_page("Emulation.setEmulatedMedia", still)
    yield Visitor(service, browser, fill(service))
    browser.stop()
    service.kill()
