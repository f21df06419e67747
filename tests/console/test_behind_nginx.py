"""Whole flows of the console again, behind the shipped nginx: uploads and links as elsewhere, and what it sends on."""

import re
from collections.abc import Iterator
from urllib.parse import urljoin

import pytest

from filewallball.console.views import POLICY
from harness import ROOT
from harness.samples import ADMIN_TOKEN, Samples
from harness.servers import Front, Service
from tests.console.test_links import test_a_link_with_every_limit_does_what_it_says
from tests.console.test_upload import (
    test_a_folder_goes_up_whole,
    test_a_large_file_goes_on_after_a_killed_worker_and_after_a_reload,
)
from tests.console.visitor import Visitor

__all__ = [
    "test_a_folder_goes_up_whole",
    "test_a_large_file_goes_on_after_a_killed_worker_and_after_a_reload",
    "test_a_link_with_every_limit_does_what_it_says",
]
STATIC = ROOT / "filewallball" / "console" / "static"
SETTINGS = {
    "ADMIN_TOKEN": ADMIN_TOKEN,
    "MAX_UPLOAD_SIZE": "300MiB",
    "TRUSTED_PROXIES": "127.0.0.0/8",
    "X_ACCEL": "true",
    "SYNC_WORKERS": "1",
    "MIN_FREE_SPACE": "0",
}


class Behind(Service):
    """A service that is asked through nginx alone."""

    front: Front

    @property
    def url(self) -> str:
        return self.front.url


@pytest.fixture(scope="module")
def console_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service and the shipped nginx in front of it."""
    service = Behind(tmp_path_factory.mktemp("behind"), SETTINGS)
    service.front = Front(tmp_path_factory.mktemp("front"))
    service.front.ship(service.environment())
    service.start()
    service.front.start()
    yield service
    service.front.kill()
    service.kill()


@pytest.fixture(scope="module")
def samples() -> Samples:
    """Nothing but an administrator."""
    return Samples([], [], {"admin": ADMIN_TOKEN})


@pytest.fixture
def large_bytes() -> int:
    """The bytes of a large file: here it only has to be sent in parts."""
    return 128 * 1024 * 1024


def test_policy_and_lifetimes_are_those_of_the_service(visitor: Visitor) -> None:
    visitor.open("links")
    page = visitor.service.request("GET", "/console/links")
    base = urljoin("/console/links", re.findall(r'src="([^"]+)app\.js"', page.text)[0])
    packed = visitor.service.request("GET", f"{base}style.css", headers={"Accept-Encoding": "gzip"})
    problem = visitor.service.request("GET", "/s/nothing/here", headers={"Accept": "text/html"})

    assert page.headers["Server"].startswith("nginx")
    assert (page.headers["Cache-Control"], page.headers["Content-Security-Policy"]) == ("no-cache", POLICY)
    assert packed.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert (packed.headers["Content-Encoding"], packed.headers["Vary"]) == ("gzip", "Accept-Encoding")
    assert packed.content == (STATIC / "style.css").read_bytes()
    assert (problem.status_code, problem.headers["Content-Security-Policy"]) == (404, POLICY)
    assert visitor.faults() == []
