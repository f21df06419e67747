"""The tables of the reference say what the code does."""

from pathlib import Path

import pytest

from filewallball import create_app
from filewallball.ops.reference import language_of, refresh
from filewallball.settings.loading import load_settings
from harness import ROOT

_ENGLISH = {
    "docs/reference/routes.md": ("routes",),
    "docs/reference/errors.md": ("errors",),
    "docs/reference/permissions.md": ("roles",),
    "docs/reference/settings.md": ("settings",),
    "docs/reference/metrics.md": ("metrics",),
    "docs/reference/alerts.md": ("alerts",),
}
TABLES = _ENGLISH | {name.replace("docs/", "docs/ko/"): tables for name, tables in _ENGLISH.items()}


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_are_true(tmp_path: Path, name: str) -> None:
    text = (ROOT / name).read_text()

    assert all(f"<!-- {table} -->\n| " in text for table in TABLES[name])
    app = create_app(load_settings({"DATA_DIR": str(tmp_path)}))
    assert refresh(text, app, language_of(ROOT / name)) == text, "run `make reference`"
