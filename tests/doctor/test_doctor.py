"""`filewallball doctor`: a host that is well set up passes, and each thing that is not is named."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import yaml
from sqlalchemy import create_engine

from filewallball.database import mariadb, sqlite
from filewallball.doctor import neighbours
from filewallball.doctor.host import database
from filewallball.doctor.sync_workers import sync_workers
from filewallball.ops.dashboards import ARTIFACTS
from filewallball.ops.prometheus import RULE_FILE, alert_rules, configuration
from filewallball.ops.rendering import write
from filewallball.settings.loading import load_settings
from filewallball.settings.service import Settings
from harness import ROOT
from harness.servers import Front, MariaDB, Prometheus, Service
from harness.waiting import wait_until

CHECKS = {
    *("metrics", "health", "statistics", "logging", "alert rules", "scraping", "alertmanager", "dashboards"),
    *("recipients", "database", "proxies", "disk", "file modes", "backup", "audit", "nginx log"),
    *("periodic jobs", "sync workers"),
}


@dataclass(frozen=True)
class Host:
    """A service, its nginx and its Prometheus, all under the files that `ops render` writes."""

    service: Service
    prometheus: Prometheus
    dashboards: Path

    @property
    def settings(self) -> Settings:
        return load_settings(self.service.environment())

    def ask(self, *arguments: str, **changes: str) -> tuple[int, str]:
        """Exit status and text of a doctor under changed settings."""
        code = "import sys; from filewallball.cli import main; sys.exit(main())"
        command = [sys.executable, "-c", code, "doctor", "--dashboards", str(self.dashboards), *arguments]
        environ = {**self.service.environment(), **changes}
        done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)
        return done.returncode, done.stdout


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host as docs/deploy.md sets it up."""
    folder = tmp_path_factory.mktemp("host")
    front, prometheus = Front(folder / "front"), Prometheus(folder / "prometheus")
    settings = {
        "PUBLIC_URL": front.url,
        "TRUSTED_PROXIES": "127.0.0.1/32",
        "X_ACCEL": "true",
        "SYNC_WORKERS": "1",
        "NGINX_UNANSWERED_LOG": str(front.folder / "filewallball-unanswered.log"),
        "BACKUP_MAX_AGE": "1d",
        "PROMETHEUS_PORT": str(prometheus.port),
        "PROMETHEUS_NODE_TARGETS": "off",
        # Only whether it is known and up is asked, so Prometheus stands in for it.
        "ALERTMANAGER_URL": prometheus.url,
        "ALERT_EMAIL_RECIPIENTS": "ops@files.test",
        "ALERT_EMAIL_SMTP_SERVER": "mail.files.test",
        "ALERT_SMS_PHONE_NUMBERS": "+4912345678",
        "ALERT_RUNBOOK_URL": "https://wiki.files.test/runbook",
        "MIN_FREE_SPACE": "0",
    }
    service = Service(folder / "service", settings, workers=1).start()
    read = load_settings(service.environment())
    front.ship(service.environment())
    front.start()
    prometheus.configure(configuration(read).replace("15s", "1s").replace("30s", "1s"), alert_rules(read))
    prometheus.start()
    list(write(ARTIFACTS, read, folder))
    service.cli("backup", "create", "--create", str(folder / "backups"))
    service.cli("audit", "verify")
    yield Host(service, prometheus, folder / "grafana" / "dashboards")
    for server in (prometheus, front, service):
        server.kill()


@pytest.mark.server
def test_a_host_that_is_well_set_up_passes(host: Host) -> None:
    jobs = yaml.safe_load(configuration(host.settings))["scrape_configs"]
    wait_until(lambda: len(host.prometheus.query("up == 1")) == len(jobs), 60, "all jobs are up")
    code, printed = host.ask("--json")
    said = json.loads(printed)
    status = {each["name"]: each["status"] for each in said["findings"]}

    assert status.keys() == CHECKS
    # How full the disk under the tests is, and what was never counted so far, is not theirs to say.
    assert {name for name, found in status.items() if found != "ok"} <= {"disk", "metrics", "health"}, printed
    assert "bad" not in {found for name, found in status.items() if name != "disk"}
    assert (code == 0) == said["ok"]


@pytest.mark.server
def test_each_thing_that_is_amiss_has_its_line(host: Host, tmp_path: Path) -> None:
    changes = {
        "PORT": "9",
        "TRUSTED_PROXIES": "",
        "PROMETHEUS_PORT": "9",
        "DATA_DIR": str(tmp_path),
        "NGINX_UNANSWERED_LOG": str(tmp_path),  # a folder
        "LOG_FORMAT": "text",
        "ALERT_RUNBOOK_URL": "",
        "ALERT_EMAIL_RECIPIENTS": "",
        "ALERT_SMS_PHONE_NUMBERS": "",
        "DATABASE_URL": "mysql+pymysql://nobody@127.0.0.1:9/none",
    }
    tmp_path.chmod(0o755)
    code, printed = Host(host.service, host.prometheus, tmp_path / "nothing").ask(**changes)
    lines = dict(line.split(": ", 1) for line in printed.splitlines())

    warned = {"logging", "audit", "recipients"}
    assert code == 1
    assert lines.keys() == {f"{'warning' if name in warned else 'bad    '} {name}" for name in CHECKS}
    assert "ALERT_EMAIL_RECIPIENTS" in lines["warning recipients"]
    assert "TRUSTED_PROXIES is not set" in lines["bad     proxies"]
    assert "filewallball-overview.json" in lines["bad     dashboards"]


@pytest.mark.server
def test_a_rule_that_is_not_loaded_and_a_stale_dashboard_are_named(host: Host, tmp_path: Path) -> None:
    file = host.prometheus.folder / RULE_FILE
    before = file.read_text()
    for path in host.dashboards.iterdir():
        (tmp_path / path.name).write_text(path.read_text().replace("System", "Sistem"))
    file.write_text(before.replace("alert: StorageFull", "alert: StorageFool"))
    host.prometheus.reload()
    try:
        said = wait_until(lambda: _missing_rules(host.settings), 60, "the rules are loaded anew")
    finally:
        file.write_text(before)
        host.prometheus.reload()

    assert said == "not loaded: StorageFull"
    found = neighbours.provisioned(host.settings, tmp_path)
    assert (found.status, found.text) == (
        "warning",
        "not as `ops render` writes them now: filewallball-overview.json",
    )


@pytest.mark.server
def test_a_proxy_that_believes_its_clients_is_found(host: Host, tmp_path: Path) -> None:
    front = Front(tmp_path / "front")
    front.ship(host.service.environment())
    text = front.config_path.read_text()
    for said, expected in (
        ("$http_x_forwarded_for", "a client may choose its address"),
        ('""', "does not pass on addresses"),
        ("unknown", "no address that can be read: X-Forwarded-For: unknown"),
    ):
        front.config_path.write_text(text.replace("X-Forwarded-For $remote_addr", f"X-Forwarded-For {said}"))
        front.start()
        try:
            environ = {**host.service.environment(), "PUBLIC_URL": front.url}
            found = neighbours.proxies(load_settings(environ))
        finally:
            front.stop()
        assert found.status == "bad"
        assert expected in found.text


@pytest.mark.server
def test_a_proxy_that_changes_the_host_is_found(host: Host, tmp_path: Path) -> None:
    front = Front(tmp_path / "front")
    front.ship(host.service.environment())
    text = front.config_path.read_text()
    front.config_path.write_text(text.replace("Host $host$filewallball_port", "Host upstream.internal"))
    front.start()
    try:
        found = neighbours.proxies(load_settings({**host.service.environment(), "PUBLIC_URL": front.url}))
    finally:
        front.stop()

    assert (found.status, "'upstream.internal'" in found.text) == ("warning", True)


@pytest.mark.server
def test_a_socket_that_nginx_may_not_write_to_is_named(host: Host, tmp_path: Path) -> None:
    front = Front(tmp_path / "front")
    front.ship(host.service.environment())
    text = front.config_path.read_text()
    front.config_path.write_text(text.replace(host.settings.sync_socket, f"{tmp_path}/none.sock"))
    front.start()
    try:
        found = sync_workers(load_settings({**host.service.environment(), "PUBLIC_URL": front.url}))
    finally:
        front.stop()

    assert (found.status, "nginx does not reach them (502)" in found.text) == ("bad", True)


@pytest.mark.server
def test_roles_that_are_missing_are_named(host: Host) -> None:
    jobs, worker = (_child(host.service, name) for name in ("fwb-jobs", "fwb-sync"))
    master = psutil.Process(host.service.master_pid)
    master.suspend()  # or it would replace them
    try:
        for each in (jobs, worker):
            each.kill()
        wait_until(lambda: jobs.status() == worker.status() == psutil.STATUS_ZOMBIE, 60, "they are gone")
        asked = [each for each in neighbours.service(host.settings, "") if each.name == "periodic jobs"]
        found = [(each.status, each.text) for each in asked]
    finally:
        master.resume()
    wait_until(lambda: "fwb-sync" in _living(master), 60, "there is another")

    assert found == [("bad", "no process does them (fwb-jobs)")]
    wait_until(lambda: sync_workers(host.settings).status == "ok", 60, "all is well again")


@pytest.mark.server
def test_a_mariadb_that_may_forget_is_named(mariadb: MariaDB) -> None:
    url = mariadb.create_database()
    engine = create_engine(url)
    found = database({"": engine})
    engine.dispose()
    mariadb.drop_database(url)

    assert found.status == "bad"
    assert "innodb_flush_log_at_trx_commit=2" in found.text
    assert "innodb_flush_method=nosync" in found.text


GOOD = {
    "innodb_flush_log_at_trx_commit": "1",
    "innodb_flush_method": "O_DIRECT",
    "innodb_doublewrite": "ON",
    "log_bin": "OFF",
    "sync_binlog": "0",
    "sql_mode": "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION",
}


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({}, 0),
        ({"innodb_flush_log_at_trx_commit": "0"}, 1),
        ({"innodb_doublewrite": "OFF"}, 1),
        ({"log_bin": "ON"}, 1),
        ({"log_bin": "ON", "sync_binlog": "1"}, 0),
        ({"sql_mode": ""}, 1),
    ],
)
def test_what_mariadb_may_lose(changes: dict[str, str], faults: int) -> None:
    assert len(list(mariadb.faults({**GOOD, **changes}))) == faults


@pytest.mark.parametrize(
    ("journal", "level", "faults"), [("wal", 2, 0), ("delete", 2, 1), ("wal", 1, 1), ("off", 0, 2)]
)
def test_what_sqlite_may_lose(journal: str, level: int, faults: int) -> None:
    assert len(list(sqlite.faults(journal, level))) == faults


def _living(master: psutil.Process) -> list[str]:
    """The names of its children; one that has just ended has none."""
    names = []
    for each in master.children():
        with suppress(psutil.NoSuchProcess):
            names.append(each.name())
    return names


def _child(service: Service, name: str) -> psutil.Process:
    """The process of that role."""
    return next(each for each in psutil.Process(service.master_pid).children() if each.name() == name)


def _missing_rules(settings: Settings) -> str:
    found = {each.name: each for each in neighbours.prometheus(settings)}["alert rules"]
    return "" if found.status == "ok" else found.text
