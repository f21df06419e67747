"""A real Prometheus under the specification's own scrape jobs and ServiceDown rule, only quicker."""

from collections.abc import Callable

from harness.servers import MariaDB, Prometheus, Service
from harness.waiting import wait_until

_JOBS = """
global:
  scrape_interval: 1s
  evaluation_interval: 1s

rule_files:
  - "filewallball_alerts.yml"

scrape_configs:
  - job_name: 'filewallball'
    static_configs:
      - targets: ['localhost:{port}']
    metrics_path: '/metrics'
    scrape_interval: 1s

  - job_name: 'filewallball-health'
    static_configs:
      - targets: ['localhost:{port}']
    metrics_path: '/health'
    scrape_interval: 1s
"""
_RULES = """
groups:
  - name: filewallball
    rules:
      - alert: ServiceDown
        expr: up == 0
        for: 1s
        labels:
          severity: critical
        annotations:
          summary: "Service is down"
"""


def test_both_jobs_are_up_and_a_lost_database_fires_service_down_until_it_is_back(
    service: Callable[..., Service], make_mariadb: Callable[[], MariaDB], prometheus: Prometheus
) -> None:
    mariadb = make_mariadb()
    running = service({"DATABASE_URL": mariadb.create_database(), "DATABASE_TIMEOUT": "2s"}, workers=1)
    prometheus.configure(_JOBS.format(port=running.port), _RULES)
    prometheus.start()

    def up() -> dict[str, str]:
        return {row["metric"]["job"]: row["value"][1] for row in prometheus.query("up")}

    def firing() -> set[str]:
        return {row["labels"]["job"] for row in prometheus.alerts() if row["state"] == "firing"}

    wait_until(lambda: up() == {"filewallball": "1", "filewallball-health": "1"}, 60, "both jobs are up")
    status = prometheus.query('filewallball_health_status{service="database"}')
    mariadb.kill()
    wait_until(lambda: firing() == {"filewallball-health"}, 60, "ServiceDown fires for the health job alone")
    mariadb.start()
    wait_until(lambda: up() == {"filewallball": "1", "filewallball-health": "1"}, 60, "both are up again")
    wait_until(lambda: not firing(), 60, "ServiceDown is resolved")

    assert [row["value"][1] for row in status] == ["1"]
