"""The specification's own monitoring test, with its requests and its assertions, against a running service.

It asks every route without a token, the audit log too. That is allowed on loopback alone, where ANONYMOUS_ROLE=admin is
accepted; its health check wants every service named, Redis among them, which may be `disabled`.
"""

from collections.abc import Iterator

import pytest
import requests

from harness.servers import Service

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the service."""
    settings = {"ANONYMOUS_ROLE": "admin", "MIN_FREE_SPACE": "0"}
    server = Service(tmp_path_factory.mktemp("monitoring"), settings, workers=1).start()
    yield server.url
    server.kill()


@pytest.fixture
def get(base: str) -> Iterator[requests.Session]:
    """A plain client, without proxies from the environment."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


class TestMonitoring:
    def test_health_check(self, get: requests.Session, base: str) -> None:
        response = get.get(f"{base}/health", timeout=60)
        assert response.status_code == 200

        data = response.json()
        assert data["status"] == "healthy"
        assert "services" in data
        assert "database" in data["services"]
        assert "redis" in data["services"]

    def test_metrics_endpoint(self, get: requests.Session, base: str) -> None:
        response = get.get(f"{base}/metrics", timeout=60)
        assert response.status_code == 200

        content = response.text
        assert "file_uploads_total" in content
        assert "file_upload_duration_seconds" in content
        assert "errors_total" in content

    def test_detailed_metrics(self, get: requests.Session, base: str) -> None:
        response = get.get(f"{base}/api/v1/metrics/detailed", timeout=60)
        assert response.status_code == 200

        data = response.json()
        assert "system_metrics" in data
        assert "performance_metrics" in data
        assert "user_metrics" in data

    def test_audit_logs(self, get: requests.Session, base: str) -> None:
        response = get.get(f"{base}/api/v1/audit/logs", timeout=60)
        assert response.status_code == 200

        data = response.json()
        assert "logs" in data
        assert "total" in data
        assert "page" in data

    def test_error_statistics(self, get: requests.Session, base: str) -> None:
        response = get.get(f"{base}/api/v1/upload/errors", timeout=60)
        assert response.status_code == 200

        data = response.json()
        assert "total_errors" in data
        assert "error_types" in data
        assert "error_trend" in data
