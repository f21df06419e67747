"""promtool evaluates an expression over a history of samples, one every 15 seconds."""

import subprocess
from pathlib import Path
from typing import Any

import yaml


def expect(folder: Path, series: dict[str, str], expr: str, moment: str, expected: float | None) -> None:
    """Fail unless `expr` has this one value, or none, at the moment."""
    samples: list[dict[str, Any]] = [] if expected is None else [{"labels": "{}", "value": expected}]
    test = {
        "interval": "15s",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{"expr": expr, "eval_time": moment, "exp_samples": samples}],
    }
    (folder / "test.yml").write_text(yaml.safe_dump({"evaluation_interval": "15s", "tests": [test]}))
    done = subprocess.run(
        ["promtool", "test", "rules", "test.yml"], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
