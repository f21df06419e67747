"""Settings: defaults, human notations, and bad values that stop the start together."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from filewallball.settings.loading import ConfigError, documented, doubts, load_settings
from filewallball.settings.rates import read_limits
from harness import ROOT


def test_an_empty_environment_gives_safe_defaults(tmp_path: Path) -> None:
    settings = load_settings({"DATA_DIR": str(tmp_path)})

    assert settings.bind == "127.0.0.1"
    assert settings.anonymous_role == "user"
    assert settings.trusted_proxies == ()
    assert settings.max_upload_size == 50 * 1024 * 1024
    assert settings.log_file == tmp_path / "logs" / "filewallball.log"
    assert settings.database_url == f"sqlite:///{tmp_path / 'filewallball.db'}"


@pytest.mark.parametrize("name", ["a b", "100%41", "what?", "a#b", "{c}+d", "한글"])
def test_the_database_lies_in_data_dir_whatever_that_is_called(tmp_path: Path, name: str) -> None:
    settings = load_settings({"DATA_DIR": str(tmp_path / name)})

    assert make_url(settings.database_url).database == str(tmp_path / name / "filewallball.db")


def test_sizes_and_durations_are_read_as_people_write_them() -> None:
    settings = load_settings({"MAX_UPLOAD_SIZE": "2GB", "LOG_MAX_SIZE": "10MB", "GRACEFUL_TIMEOUT": "2m"})

    assert settings.max_upload_size == 2 * 1024**3
    assert settings.log_max_size == 10485760
    assert settings.graceful_timeout.total_seconds() == 120


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATA_DIR", "/tmp/\udcff"),
        ("OTEL_SERVICE_NAME", "\udcff"),
        ("DATA_DIR", "~nobody-of-this-name/data"),
        ("MAX_UPLOAD_SIZE", "9" * 5000),
        ("SCAN_TIMEOUT", "9" * 5000),
        ("OTEL_BSP_EXPORT_TIMEOUT", "9" * 5000),
        ("RATELIMIT_UPLOAD", "9" * 5000 + "/day"),
        ("RATELIMIT_UPLOAD", "9999999999999999/day"),
        ("AUTOBLOCK_AUTH", "1/99999999999 year"),
    ],
)
def test_what_cannot_be_read_at_all_is_a_bad_value_too(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name}: "):
        load_settings({name: value})


def test_a_limit_that_is_given_twice_counts_once() -> None:
    settings = load_settings({"RATELIMIT_API": "5/minute;5/minute;9/hour"})

    assert len(read_limits(settings.ratelimit_api)) == 2


def test_every_bad_value_is_named_at_once() -> None:
    bad = {
        "PORT": "eighty",
        "MAX_UPLOAD_SIZE": "lots",
        "THUMBNAIL_MEMORY": "auto",
        "DATABASE_TIMEOUT": "soon",
        "WORKER_TIMEOUT": "400ms",
        "AUTOBLOCK_FOR": "400ms",
        "CLIENT_MIN_RATE": "0",
        "SLO_UPLOAD_WITHIN": "3s",
        "HEALTH_CHECK_TIMEOUT": "9" * 400,
        "PUBLIC_URL": "https://somebody:secret@files.test",
        "ALERTMANAGER_URL": "https://",
        "AUDIT_RETENTION": "99999999999d",
        "TRUSTED_PROXIES": "10.0.0.1/8",
        "ANONYMOUS_ROLE": "root",
        "DATABASE_URL": "postgresql://x/y",
        "ADMIN_TOKEN": "short",
        "BLOCKED_FILE_TYPES": "exe",
    }

    with pytest.raises(ConfigError) as caught:
        load_settings(bad)

    assert {message.partition(":")[0] for message in caught.value.messages} == set(bad)


@pytest.mark.parametrize("address", ["files.test:port", "files.test:99999", "[files.test"])
def test_an_address_without_a_host_or_port_is_named(address: str) -> None:
    bad = {
        "PUBLIC_URL": f"https://{address}",
        "REDIS_URL": f"redis://{address}",
        "ALERT_WEBHOOK_URL": f"http://{address}/api/v1/alerts/webhook",
    }

    with pytest.raises(ConfigError) as caught:
        load_settings(bad)

    assert {message.partition(":")[0] for message in caught.value.messages} == set(bad)
    with pytest.raises(ConfigError, match="DATABASE_URL"):
        load_settings({"DATABASE_URL": "mysql+pymysql://files.test:port/x"})


def test_a_misspelt_setting_is_no_setting_that_silently_does_nothing() -> None:
    with pytest.raises(ConfigError) as refused:
        load_settings({"RATELIMIT_UPLOADS": "5/minute", "QUOTA_X": "1", "SOMEBODY_ELSES": "1"})

    assert refused.value.messages == [
        "QUOTA_X: there is no such setting.",
        "RATELIMIT_UPLOADS: there is no such setting; did you mean RATELIMIT_UPLOAD?",
    ]


def test_a_misspelt_setting_is_named_together_with_bad_values() -> None:
    with pytest.raises(ConfigError) as refused:
        load_settings({"RATELIMIT_UPLAOD": "5/minute", "ANONYMOUS_ROLE": "gest"})

    assert [message.partition(":")[0] for message in refused.value.messages] == [
        "ANONYMOUS_ROLE",
        "RATELIMIT_UPLAOD",
    ]


def test_a_variable_that_is_nearly_a_setting_is_named_though_it_may_be_another_programs() -> None:
    environ = {
        "LOGLEVEL": "DEBUG",
        "PROT": "8001",
        "PATH": "/bin",
        "PORT": "8000",
        "HOSTNAME": "a",
        "QUOTA_X": "1",
    }

    assert doubts(environ) == [
        "LOGLEVEL is set, and is no setting; did you mean LOG_LEVEL?",
        "PROT is set, and is no setting; did you mean PORT?",
    ]


def test_an_open_door_for_administrators_is_refused_beyond_loopback() -> None:
    assert load_settings({"ANONYMOUS_ROLE": "admin"}).anonymous_role == "admin"

    with pytest.raises(ConfigError, match="ANONYMOUS_ROLE"):
        load_settings({"ANONYMOUS_ROLE": "admin", "BIND": "0.0.0.0"})  # noqa: S104 - refused, not bound


@pytest.mark.parametrize("name", ["DATABASE_TIMEOUT", "SCAN_TIMEOUT"])
def test_no_sync_worker_waits_until_it_is_taken_for_dead(name: str) -> None:
    environ = {"SCAN_POLICY": "optional", "WORKER_TIMEOUT": "40s", name: "21s"}

    assert load_settings(environ).sync_workers == 0
    assert load_settings({**environ, "SYNC_WORKERS": "2", name: "20s"}).sync_workers == 2
    with pytest.raises(ConfigError, match=f"{name}: .* is 20 seconds"):
        load_settings({**environ, "SYNC_WORKERS": "2"})


def test_secrets_do_not_show_in_the_settings_text() -> None:
    secret = "a-very-secret-administrator-token"
    settings = load_settings(
        {"ADMIN_TOKEN": secret, "DATABASE_URL": f"mysql+pymysql://u:{secret}@127.0.0.1/x"}
    )

    assert secret not in repr(settings)


def test_a_bad_setting_ends_the_command_with_one_line_and_no_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from filewallball.cli import main; main()", "prepare"]
    environ = {"DATA_DIR": str(tmp_path), "PORT": "eighty", "PATH": "/usr/bin:/bin"}

    done = subprocess.run(command, env=environ, capture_output=True, text=True, cwd=ROOT)

    assert done.returncode == 2
    assert done.stderr == "filewallball: PORT: Not a valid integer.\n"


def test_every_setting_says_what_it_means() -> None:
    assert all(about for _, _, about in documented())
