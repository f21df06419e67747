"""From the misfortune to the people: each alert arrives on each of its channels, once, and so does its end."""

import subprocess
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from filewallball.cli import main
from harness.waiting import wait_until
from tests.alerts.misfortunes import misfortunes
from tests.alerts.stage import CHANNELS, Stage

pytestmark = pytest.mark.server

PATIENCE = 120
TOLD = ("email", "slack")
EXPECTED: dict[str, tuple[str, ...]] = {
    "HighErrorRate": TOLD,
    "HighResponseTime": TOLD,
    "ErrorPercentageHigh": TOLD,
    "FailedAuthentications": TOLD,
    "StorageFull": (*TOLD, "sms"),
}
DOWN: dict[str, tuple[str, ...]] = {"ServiceDown": (*TOLD, "sms", "pagerduty")}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def stage(tmp_path: Path, disk: Path) -> Iterator[Stage]:
    """All the servers, running."""
    stage = Stage(tmp_path, disk)
    try:
        stage.start()
        yield stage
    finally:
        stage.close()


@pytest.mark.slow
def test_each_alert_arrives_on_each_of_its_channels_once_and_so_does_its_end(
    stage: Stage, disk: Path
) -> None:
    with misfortunes(stage.target, disk):
        _await(stage, EXPECTED, "firing")
    _await(stage, EXPECTED, "resolved")

    stage.target.stop()
    _await(stage, DOWN, "firing")
    stage.target.start()
    _await(stage, DOWN, "resolved")

    _expect_each_once(stage)
    assert {("ServiceDown", "firing"), ("ServiceDown", "resolved")} <= set(stage.outside())
    assert {"files.example.org"} == {str(mail["Subject"]).split()[2] for mail in stage.mailbox.messages}
    _expect_other_channels_left_alone(stage)
    _try_the_channels(stage)


def _await(stage: Stage, expected: dict[str, tuple[str, ...]], status: str) -> None:
    for alert, channels in expected.items():
        for channel in channels:
            has_told = partial(stage.has_told, channel, alert, status)
            wait_until(has_told, PATIENCE, f"{alert} {status} by {channel}")


def _expect_each_once(stage: Stage) -> None:
    """An alert is known by its name and start; ServiceDown of the health check is silenced, early or late."""
    for channel in CHANNELS:
        tellings = [each for each in stage.told(channel) if "job=filewallball-health " not in each.labels]
        assert {count for each, count in Counter(tellings).items() if each.alert in EXPECTED | DOWN} == {1}
    wait_until(lambda: _sms_kept(stage) == _sms_said(stage), PATIENCE, "each SMS kept was sent, and once")


def _sms_kept(stage: Stage) -> Counter[tuple[str, str]]:
    return Counter((sms["status"], alert["name"]) for alert in stage.alerts() for sms in alert["sms"])


def _sms_said(stage: Stage) -> Counter[tuple[str, str]]:
    return Counter((text.split("]")[0][1:].lower(), text.split()[1]) for text in stage.sms())


def _expect_other_channels_left_alone(stage: Stage) -> None:
    # On a slow machine the failures last long enough to spend the month's budget of them too fast.
    may_page = {"ServiceDown", "HealthCheckFailed", "AvailabilityBurnsFast"}
    assert {each.alert for each in stage.told("pagerduty")} <= may_page
    assert not [text for text in stage.sms() if text.split()[1] in ("HighErrorRate", "FailedAuthentications")]
    kept = {alert["name"]: alert["status"] for alert in reversed(stage.alerts())}
    assert kept.keys() >= (EXPECTED | DOWN).keys()


def _try_the_channels(stage: Stage) -> None:
    for channel in ("email", "slack", "pagerduty", "sms"):
        done = _test(stage, channel)
        assert done.exit_code == 0, done.output
        has_told = partial(stage.has_told, channel, "ChannelTest", "firing")
        wait_until(has_told, PATIENCE, f"the test by {channel}")
    stage.receiver.status = 500
    assert "refused" in _test(stage, "slack").output
    stage.alertmanager.kill()
    assert "does not answer" in _test(stage, "slack").output


def _test(stage: Stage, channel: str) -> Result:
    environ = {**stage.relay.settings, "ALERTMANAGER_URL": stage.alertmanager.url}
    return CliRunner().invoke(main, ["alerts", "test", channel, "--wait", str(PATIENCE)], env=environ)
