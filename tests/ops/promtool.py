"""promtool evaluates an expression over a history of samples, one every 15 seconds."""

import subprocess
from pathlib import Path
from typing import Any

import yaml

from filewallball.ops.artifacts import host_settings
from filewallball.ops.prometheus import alert_rules
from filewallball.ops.shared_records import SHARED_GROUP


def expect(
    folder: Path, series: dict[str, str], expr: str, moment: str, expected: float | None, rules: str = ""
) -> None:
    """Fail unless `expr` has this one value, or none, at the moment, under these rules."""
    samples: list[dict[str, Any]] = [] if expected is None else [{"labels": "{}", "value": expected}]
    test = {
        "interval": "15s",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{"expr": expr, "eval_time": moment, "exp_samples": samples}],
    }
    (folder / "rules.yml").write_text(rules or "groups: []")
    content = {"rule_files": ["rules.yml"], "evaluation_interval": "15s", "tests": [test]}
    (folder / "test.yml").write_text(yaml.safe_dump(content))
    done = subprocess.run(
        ["promtool", "test", "rules", "test.yml"], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def shared_rules() -> str:
    """The rules of the series that panels share."""
    groups = yaml.safe_load(alert_rules(host_settings({})))["groups"]
    return yaml.safe_dump({"groups": [group for group in groups if group["name"] == SHARED_GROUP]})
