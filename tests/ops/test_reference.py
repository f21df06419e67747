"""The tables of the reference say what the code does."""

from pathlib import Path

import pytest

from filewallball import create_app
from filewallball.ops.reference import refresh
from filewallball.settings.loading import load_settings
from harness import ROOT

TABLES = {
    "docs/reference/routes.md": ("routes",),
    "docs/reference/errors.md": ("errors",),
    "docs/reference/permissions.md": ("roles",),
    "docs/reference/settings.md": ("settings",),
    "docs/reference/metrics.md": ("metrics",),
    "docs/reference/alerts.md": ("alerts",),
    "README.ko.md": ("routes", "errors", "roles", "settings", "metrics"),
}


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_are_true(tmp_path: Path, name: str) -> None:
    text = (ROOT / name).read_text()

    assert all(f"<!-- {table} -->\n| " in text for table in TABLES[name])
    assert refresh(text, create_app(load_settings({"DATA_DIR": str(tmp_path)}))) == text, (
        "run `make reference`"
    )


def test_both_pages_have_the_same_commands() -> None:
    def commands(name: str) -> list[str]:
        lines = (ROOT / name).read_text().splitlines()
        return [line.partition("#")[0].strip() for line in lines if line.startswith(("curl ", "make "))]

    assert commands("README.md")[:10] == commands("README.ko.md")[:10]
