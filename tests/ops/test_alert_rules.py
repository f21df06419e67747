"""The alert rules: the guide's as written, each firing, resolving and staying silent when it should, each explained."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from filewallball.alerts import ALERT_RULES, NOTIFICATION_CHANNELS
from filewallball.ops.alert_rules import WATCHDOG, records, rules
from filewallball.ops.artifacts import host_settings
from filewallball.ops.guide_rules import CONDITION_RULES, GUIDE_RULES, Rule
from filewallball.ops.objectives import BUDGET
from filewallball.ops.prometheus import alert_rules
from harness import ROOT
from tests.alerts.rule_case import Case
from tests.alerts.rule_cases import CASES

RULES = rules(host_settings({}))
RECORDS = records(host_settings({}))
AS_THE_GUIDE_SAYS = {
    "HighErrorRate": ("rate(errors_total[5m]) > 0.05", "5m", "warning"),
    "StorageFull": ("storage_utilization_percent > 90", "1m", "critical"),
    "ServiceDown": ("up == 0", "30s", "critical"),
    "HighResponseTime": (
        "histogram_quantile(0.95, rate(file_upload_duration_seconds_bucket[5m])) > 5",
        "5m",
        "warning",
    ),
}

_AT = 'job="filewallball",instance="a:8000"'
_UP = {f"up{{{_AT}}}": "1x60", f'operations_total{{action="file:upload",status="success",{_AT}}}': "0x60"}


def _error(code: str, endpoint: str, values: str) -> dict[str, str]:
    return {f'errors_total{{error_type="{code}",endpoint="{endpoint}",{_AT}}}': values}


# Histories of an idle service, and how many alerts they raise.
OF_SHARES: dict[str, tuple[dict[str, str], int]] = {
    "one dead link a minute": ({**_UP, **_error("not_found", "/download/<file_id>", "0+1x60")}, 0),
    "dead links all the time": ({**_UP, **_error("not_found", "/download/<file_id>", "0+100x60")}, 0),
    "files too large": ({**_UP, **_error("file_too_large", "/upload", "0+100x60")}, 0),
    "a failure in two minutes": (
        {**_UP, **_error("internal_error", "/upload", "0+0x1 1+0x1 2 2 3 3 4 4 5x50")},
        0,
    ),
    "nothing at all": ({**_UP, **_error("internal_error", "/upload", "0x60")}, 0),
    "posts of Alertmanager": ({**_UP, **_error("unavailable", "/api/v1/alerts/webhook", "0+10x60")}, 0),
    "every upload fails": ({**_UP, **_error("storage_full", "/upload", "0+1x60")}, 1),
    "bursts of new kinds": (
        {
            **_UP,
            **_error("internal_error", "/files", "_x7 20x60"),
            **_error("unavailable", "/files", "_x10 20x60"),
            **_error("other", "/files", "_x13 20x60"),
        },
        1,
    ),
    "old failures after a gap": (
        {
            **_error("internal_error", "/files", "59x4 _x4 59x60"),
            f"up{{{_AT}}}": "1x4 0x4 1x60",
            f'operations_total{{action="file:upload",status="success",{_AT}}}': "0x60",
        },
        0,
    ),
}


def test_the_guides_rules_are_as_the_guide_writes_them() -> None:
    assert {rule.name: (rule.expr, rule.hold, rule.severity) for rule in GUIDE_RULES} == AS_THE_GUIDE_SAYS
    assert [rule.name for rule in RULES[:4]] == list(AS_THE_GUIDE_SAYS)


def test_each_condition_has_a_rule_with_its_duration_severity_and_channels() -> None:
    assert set(CONDITION_RULES) == set(ALERT_RULES)
    for name, rule in CONDITION_RULES.items():
        entry = ALERT_RULES[name]
        assert (rule.hold, rule.severity) == (entry["duration"], entry["severity"])
        assert list(rule.channels) == entry["notification"]


def test_rules_take_channels_that_exist() -> None:
    assert {channel for rule in RULES for channel in rule.channels} == set(NOTIFICATION_CHANNELS)


def test_names_are_unique_and_all_but_the_watchdog_have_a_case() -> None:
    names = [rule.name for rule in RULES]

    assert len(set(names)) == len(names)
    assert [case.alert for case in CASES] == [name for name in names if name != WATCHDOG]


def test_each_rule_has_a_section_in_the_runbook_and_no_section_lacks_a_rule() -> None:
    sections = re.findall(r"^### (\w+)$", (ROOT / "docs/runbook.md").read_text(), re.MULTILINE)

    assert sections == [rule.name for rule in RULES]


def test_the_runbook_names_commands_that_exist() -> None:
    from filewallball.commands.table import COMMANDS

    commands = set(re.findall(r"`filewallball ([a-z]+)", (ROOT / "docs/runbook.md").read_text()))

    assert commands - set(COMMANDS) == set()


def test_the_watchdog_always_fires() -> None:
    assert RULES[-1] == Rule(
        WATCHDOG, "vector(1)", "0s", "none", RULES[-1].summary, RULES[-1].description, ()
    )


def test_limits_follow_the_settings() -> None:
    found = {
        rule.name: rule.expr
        for rule in rules(
            host_settings({"AUDIT_VERIFY_INTERVAL": "1h", "BACKUP_MAX_AGE": "36h", "UPLOAD_EXPIRES": "2h"})
        )
    }

    assert found["AuditVerifyOverdue"].endswith("> 10800")
    assert found["BackupOverdue"].endswith("> 129600")
    assert "process_start_time_seconds" in found["BackupOverdue"]
    assert found["UploadsNotEnded"].endswith("> 10800")


@pytest.mark.server
def test_every_alert_fires_resolves_and_stays_silent_as_written(tmp_path: Path) -> None:
    groups = yaml.safe_load(alert_rules(host_settings({})))["groups"]
    every = [rule for group in groups for rule in group["rules"]]
    records = [rule for rule in every if "record" in rule]
    for rule in every:
        if "alert" in rule:
            asked_for = [record for record in records if record["record"] in rule["expr"]]
            content = {"groups": [{"name": rule["alert"], "rules": [*asked_for, rule]}]}
            (tmp_path / f"{rule['alert']}.yml").write_text(yaml.safe_dump(content))
    files = [_test_file(tmp_path, case) for case in CASES]

    done = subprocess.run(["promtool", "test", "rules", *files], cwd=tmp_path, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]


@pytest.mark.server
@pytest.mark.parametrize(("history", "count"), OF_SHARES.values(), ids=OF_SHARES)
def test_the_share_of_failures_is_the_services_own(
    tmp_path: Path, history: dict[str, str], count: int
) -> None:
    (tmp_path / "rules.yml").write_text(alert_rules(host_settings({})))
    test = {
        "interval": "1m",
        "input_series": [{"series": series, "values": values} for series, values in history.items()],
        "promql_expr_test": [_expect("ErrorPercentageHigh", "15m", count)],
    }
    content = {"rule_files": ["rules.yml"], "evaluation_interval": "15s", "tests": [test]}
    (tmp_path / "test.yml").write_text(yaml.safe_dump(content))

    done = subprocess.run(
        ["promtool", "test", "rules", "test.yml"], cwd=tmp_path, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.server
def test_the_error_budget_is_what_faults_leave_of_it(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(alert_rules(host_settings({"SLO_AVAILABILITY": "99"})))
    done, failed = (
        f'action="file:upload",status="success",{_AT}',
        f'error_type="internal_error",endpoint="/upload",{_AT}',
    )
    test = {
        "interval": "1m",
        # 5 of 1000 fail, and one percent may: half of the budget is left.
        "input_series": [
            {"series": f"operations_total{{{done}}}", "values": "0+199x120"},
            {"series": f"errors_total{{{failed}}}", "values": "0+1x120"},
        ],
        "promql_expr_test": [
            {
                "expr": f'round({BUDGET}{{slo="availability"}}, 0.01)',
                "eval_time": "100m",
                "exp_samples": [{"labels": f'{{slo="availability",{_AT}}}', "value": 0.5}],
            },
            {"expr": f'{BUDGET}{{slo="upload_commit"}}', "eval_time": "100m", "exp_samples": []},
        ],
    }
    content = {"rule_files": ["rules.yml"], "evaluation_interval": "5m", "tests": [test]}
    (tmp_path / "test.yml").write_text(yaml.safe_dump(content))

    found = subprocess.run(
        ["promtool", "test", "rules", "test.yml"], cwd=tmp_path, capture_output=True, text=True
    )

    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.server
def test_promtool_accepts_rules_and_configuration() -> None:
    done = subprocess.run(
        ["promtool", "check", "config", "prometheus.yml"],
        cwd=ROOT / "ops/prometheus",
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(RULES) + len(RECORDS)} rules found" in done.stdout


def _test_file(folder: Path, case: Case) -> str:
    """One alert by itself: promtool evaluates every rule of a file for every test in it."""
    content = {
        "rule_files": [f"{case.alert}.yml"],
        "evaluation_interval": case.evaluated,
        "tests": [_firing(case), _silent(case)],
    }
    path = folder / f"test-{case.alert}.yml"
    path.write_text(yaml.safe_dump(content))
    return path.name


def _firing(case: Case) -> dict[str, Any]:
    return _test(
        case,
        case.history,
        [
            _expect(case.alert, case.pending, 0),
            _expect(case.alert, case.fires, case.count),
            _expect(case.alert, case.resolved, 0),
        ],
    )


def _silent(case: Case) -> dict[str, Any]:
    ever = f"count(count_over_time({_series(case.alert)}[{case.until}]))"
    return _test(case, case.silent, [{"expr": ever, "eval_time": case.until, "exp_samples": []}])


def _test(case: Case, history: dict[str, str], expected: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": case.alert,
        "interval": case.interval,
        "input_series": [{"series": series, "values": values} for series, values in history.items()],
        "promql_expr_test": expected,
    }


def _expect(alert: str, moment: str, count: int) -> dict[str, Any]:
    samples = [{"labels": "{}", "value": count}] if count else []
    return {"expr": f"count({_series(alert)})", "eval_time": moment, "exp_samples": samples}


def _series(alert: str) -> str:
    return f'ALERTS{{alertname="{alert}",alertstate="firing"}}'
