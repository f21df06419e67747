"""Packaging, pinned requirements and the Makefile say the same thing."""

import os
import re
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from harness import ROOT

DEBIAN_12_PYTHON = "3.11.2"
"""The oldest Python among those that the two commands of the README are promised for."""
PINNED = re.compile(r"^([a-z0-9._-]+)==(\S+) \\$", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    return dict(PINNED.findall((ROOT / "requirements" / f"{name}.txt").read_text()))


@pytest.mark.parametrize("name", ["production", "test", "development"])
def test_every_requirement_is_pinned_with_a_hash(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    entries = [entry for entry in re.split(r"\n(?=[a-z0-9])", text) if not entry.startswith("#")]

    assert len(entries) == len(pins(name)) > 0
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").iterdir()), ids=lambda path: path.name)
def test_requirements_name_no_place_to_fetch_from(path: Path) -> None:
    assert re.findall(r"://|^-[^rc].*", path.read_text(), re.MULTILINE) == []


@pytest.mark.parametrize("folder", [Path(sys.prefix), ROOT / ".venv-docs"], ids=["tests", "documentation"])
def test_every_package_takes_the_python_of_debian_12(folder: Path) -> None:
    installed = list(distributions(path=[str(path) for path in folder.glob("lib/python*/site-packages")]))
    required = {
        package.name: SpecifierSet(package.metadata["Requires-Python"] or "") for package in installed
    }

    assert "mkdocs-material" in required or "Flask" in required
    assert [name for name, versions in required.items() if DEBIAN_12_PYTHON not in versions] == []


def test_tests_run_on_the_versions_of_production_and_development_on_those_of_the_tests() -> None:
    assert pins("production").items() <= pins("test").items() <= pins("development").items()


def test_make_help_lists_every_command() -> None:
    declared = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert declared is not None

    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert re.findall(r"^  make (\S+)", listed, re.MULTILINE) == declared[1].split()


def test_make_test_says_what_it_installs_and_how_long_it_takes_before_anything_else() -> None:
    planned = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", "test"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    first, second = planned.stdout.splitlines()[:2]
    assert first.startswith('echo "Installs ')
    assert " minutes " in second


def test_an_old_python_is_refused_in_one_line(tmp_path: Path) -> None:
    old = tmp_path / "python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)

    made = subprocess.run(
        ["make", "--silent", f"VENV={tmp_path}/venv", f"PYTHON={old}", f"{tmp_path}/venv/.created"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert made.returncode != 0
    assert made.stderr.startswith("FileWallBall needs Python 3.11 or newer with venv")


def test_a_program_in_the_path_counts_as_an_installed_package(tmp_path: Path) -> None:
    packages = tmp_path / "packages.txt"
    packages.write_text("# package   program\nsome-shell   sh\n")

    done = _install(packages, path="/usr/bin:/bin")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_missing_packages_are_named_where_they_cannot_be_installed(tmp_path: Path) -> None:
    packages = tmp_path / "packages.txt"
    packages.write_text("first-server   no-such-program\nsecond-server   nor-this-one\n")
    (tmp_path / "bash").symlink_to("/bin/bash")

    done = _install(packages, path=str(tmp_path))

    assert done.returncode == 1
    assert "first-server second-server" in done.stderr


def _install(packages: Path, path: str) -> subprocess.CompletedProcess[str]:
    script = ROOT / "harness" / "servers" / "install-packages"
    return subprocess.run(
        ["/bin/bash", str(script), str(packages)], env={"PATH": path}, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("path", "expression", "chosen"),
    [
        ("tests/counting/test_host_file.py", "soak", "1/"),
        ("tests/integration/test_crash.py", "not server", "no tests"),
    ],
)
def test_make_soak_and_make_test_unit_find_their_tests(path: str, expression: str, chosen: str) -> None:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", expression, path]
    environ = {**os.environ, "PYTEST_ADDOPTS": ""}
    found = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)

    assert found.stdout.splitlines()[-1].startswith(chosen)
