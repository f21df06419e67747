"""One service with a past, for all pages that operators read."""

from collections.abc import Iterator

import pytest

from harness.servers import Browser, Service
from tests.console.operations.activity import ADMIN_TOKEN, SETTINGS, Activity
from tests.console.operations.operator_browser import OperatorBrowser


@pytest.fixture(scope="session")
def eventful_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with something of everything on record."""
    server = Service(tmp_path_factory.mktemp("eventful"), SETTINGS)
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def activity(eventful_service: Service) -> Activity:
    """What happened to the service."""
    happened = Activity(eventful_service)
    happened.make()
    return happened


@pytest.fixture
def page(window: Browser, eventful_service: Service, activity: Activity) -> OperatorBrowser:
    """A window of 1440 pixels in which an administrator is signed in."""
    opened = OperatorBrowser(window, eventful_service.url)
    opened.resize(1440)
    opened.sign_in(ADMIN_TOKEN)
    return opened
