"""Alertmanager's configuration: taken by its own tool, every alert on its channels, secrets only where given."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from filewallball.alerts import ALERT_RULES
from filewallball.cli import main
from filewallball.ops.alert_rules import WATCHDOG, rules
from filewallball.ops.alertmanager import CHANNELS, configuration, receiver_of
from filewallball.ops.artifacts import host_settings
from filewallball.ops.guide_rules import CONDITION_RULES

SECRETS = {
    "ALERT_EMAIL_USERNAME": "robot",
    "ALERT_EMAIL_PASSWORD": "the-mail-password",
    "ALERT_SLACK_WEBHOOK": "https://hooks.slack.com/services/T0/B0/the-slack-secret",
    "ALERT_PAGERDUTY_ROUTING_KEY": "the-pagerduty-key-of-32-characters",
    "ALERT_WEBHOOK_SECRET": "the-webhook-secret-of-more-than-32-characters",
}


@pytest.mark.server
@pytest.mark.parametrize("environ", [{}, SECRETS], ids=["files", "values"])
def test_amtool_accepts_it(tmp_path: Path, environ: dict[str, str]) -> None:
    path = tmp_path / "alertmanager.yml"
    path.write_text(configuration(host_settings(environ)))

    assert "SUCCESS" in _amtool("check-config", str(path))


@pytest.mark.server
def test_every_alert_takes_its_channels(tmp_path: Path) -> None:
    path = tmp_path / "alertmanager.yml"
    path.write_text(configuration(host_settings({})))

    def receiver(*labels: str) -> str:
        return _amtool("config", "routes", "test", f"--config.file={path}", *labels).strip()

    taken = {
        rule.name: receiver(f"alertname={rule.name}", f"severity={rule.severity}", "job=filewallball")
        for rule in rules(host_settings({}))
    }
    assert taken == {
        rule.name: "deadman" if rule.name == WATCHDOG else receiver_of(rule.channels)
        for rule in rules(host_settings({}))
    }
    for condition, rule in CONDITION_RULES.items():
        assert taken[rule.name].split("-") == ALERT_RULES[condition]["notification"]
    assert receiver("alertname=ServiceDown", "job=node", "severity=critical") == "email-slack"
    assert receiver("alertname=SomebodysOwn", "severity=critical") == "email-slack-sms"
    assert {receiver("alertname=ChannelTest", f"channel={name}") for name in CHANNELS} == set(CHANNELS)


def test_secrets_are_named_as_files_unless_the_environment_gives_them() -> None:
    by_file = configuration(host_settings({"ALERT_EMAIL_USERNAME": "robot"}))
    by_value = configuration(host_settings(SECRETS))

    for name, value in SECRETS.items():
        if name != "ALERT_EMAIL_USERNAME":
            assert value not in by_file
            assert value in by_value
    for name in ("smtp_auth_password_file", "api_url_file", "routing_key_file", "credentials_file"):
        assert name in by_file
        assert name not in by_value


def test_a_rendered_file_with_secrets_is_not_readable_by_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)

    done = CliRunner().invoke(main, ["ops", "render", "--out", str(tmp_path)])

    assert done.exit_code == 0
    path = tmp_path / "alertmanager/alertmanager.yml"
    assert "the-slack-secret" in path.read_text()
    assert path.stat().st_mode & 0o007 == 0
    assert not any(value in done.output for value in SECRETS.values())


@pytest.mark.parametrize(
    ("switch", "key"),
    [
        ("ALERT_EMAIL_ENABLED", "email_configs"),
        ("ALERT_SLACK_ENABLED", "slack_configs"),
        ("ALERT_PAGERDUTY_ENABLED", "pagerduty_configs"),
    ],
)
def test_a_channel_that_is_off_is_in_no_receiver(switch: str, key: str) -> None:
    def users(environ: dict[str, str]) -> list[Any]:
        content = yaml.safe_load(configuration(host_settings(environ)))
        return [receiver["name"] for receiver in content["receivers"] if key in receiver]

    assert users({})
    assert users({switch: "false"}) == []


def test_recipients_and_addresses_come_from_the_environment() -> None:
    settings = host_settings(
        {
            "ALERT_EMAIL_RECIPIENTS": "night@example.org",
            "ALERT_EMAIL_SMTP_SERVER": "mail.example.org",
            "ALERT_EMAIL_SMTP_PORT": "25",
            "ALERT_WEBHOOK_URL": "https://files.example.org/api/v1/alerts/webhook",
            "ALERT_DEADMAN_URL": "https://watch.example.net/ping",
        }
    )

    text = configuration(settings)

    for expected in (
        "night@example.org",
        "mail.example.org:25",
        "https://files.example.org/api/v1/alerts/webhook",
        "https://watch.example.net/ping",
    ):
        assert expected in text
    assert "example.com" not in text.replace("filewallball@example.com", "")


def _amtool(*arguments: str) -> str:
    done = subprocess.run(["amtool", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
