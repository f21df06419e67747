"""The wheel installed by itself is the client, with httpx, rich and what these need; the service is an extra."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness import ROOT
from harness.servers import Service

_SOURCES = [
    "setup.cfg",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "requirements",
    "filewallball",
    "filewallball_client",
]
_PIP = [sys.executable, "-m", "pip", "--no-input", "--disable-pip-version-check", "--quiet"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy, so that nothing is written into the repository."""
    folder = tmp_path_factory.mktemp("build")
    for name in _SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder)
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder / "wheels")]
    subprocess.run([*_PIP, "wheel", *options, str(folder)], check=True)
    (found,) = (folder / "wheels").iterdir()
    return found


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new virtual environment into which pip has installed the wheel.

    No index may be asked: what httpx and rich need is there before, and if anything else were missing pip would fail.
    """
    folder = tmp_path_factory.mktemp("bare") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    for each in needed({"httpx", "rich"}).values():
        copy_to(site_packages(folder), each)
    install = ["--python", str(folder / "bin" / "python"), "install", "--no-index", str(wheel)]
    subprocess.run([*_PIP, *install], check=True)
    return folder


def test_a_bare_install_is_the_client_with_httpx_and_rich_alone(bare: Path) -> None:
    installed = {canonicalize_name(each.name) for each in distributions(path=[str(site_packages(bare))])}

    assert installed == {"filewallball", *needed({"httpx", "rich"})}
    assert not installed & {"flask", "click", "sqlalchemy", "gunicorn", "requests"}


def test_every_module_of_the_client_is_there_and_needs_nothing_else(bare: Path) -> None:
    modules = sorted(
        path.stem for path in (ROOT / "filewallball_client").glob("*.py") if path.stem != "__init__"
    )
    script = (
        f"import importlib\nfor name in {modules}: importlib.import_module(f'filewallball_client.{{name}}')"
    )

    subprocess.run([bare / "bin" / "python", "-I", "-W", "error", "-c", script], check=True)

    assert (site_packages(bare) / "filewallball_client" / "py.typed").exists()


def test_the_command_of_a_bare_install_explains_itself_and_works(
    bare: Path, service: Service, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("from a bare install\n")

    def fwb(*arguments: str) -> str:
        environ = {"HOME": str(tmp_path), "FWB_SERVER": service.url}
        command = [str(bare / "bin" / "fwb"), *arguments]
        return subprocess.run(command, env=environ, check=True, capture_output=True, text=True).stdout

    assert "exit codes:" in fwb("--help")
    assert fwb("--version").startswith("fwb ")
    assert fwb("get", fwb("upload", str(tmp_path / "a.txt")).strip(), "-o", "-") == "from a bare install\n"


def test_the_extra_brings_what_the_service_is_pinned_to(wheel: Path, bare: Path) -> None:
    lines = (ROOT / "requirements" / "production.in").read_text().splitlines()
    named = {str(Requirement(line)) for line in lines if line and not line.startswith("#")}
    (found,) = distributions(path=[str(site_packages(bare))], name="filewallball")
    required = [Requirement(each) for each in found.requires or []]

    extra = {re.sub(r";.*", "", str(each)).strip() for each in required if each.marker is not None}
    assert extra == named
    assert {each.name for each in required if each.marker is None} == {"httpx", "rich"}


def needed(names: set[str]) -> dict[str, Distribution]:
    """The distributions of these names in this environment, and of all that they need here, without extras."""
    found: dict[str, Distribution] = {}
    while missing := names - found.keys():
        name = missing.pop()
        found[name] = distribution(name)
        names = names | set(_requirements(found[name]))
    return found


def copy_to(folder: Path, installed: Distribution) -> None:
    """Copy an installed distribution, but for its commands."""
    for each in installed.files or []:
        if ".." not in each.parts and "__pycache__" not in each.parts:
            (folder / each).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(str(each.locate()), folder / each)


def site_packages(venv: Path) -> Path:
    (found,) = (venv / "lib").glob("python*/site-packages")
    return found


def _requirements(installed: Distribution) -> Iterator[str]:
    for text in installed.requires or []:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield canonicalize_name(requirement.name)
