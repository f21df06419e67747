"""A wheel holds all that a service needs: it starts, brings up its schema, and serves."""

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import ROOT
from harness.servers import Service

_FOLDERS = ("filewallball", "filewallball_client", "migrations", "requirements")
_FILES = ("setup.py", "setup.cfg", "pyproject.toml", "README.md", "LICENSE", "gunicorn.conf.py", "wsgi.py")


class InstalledService(Service):
    """`filewallball serve` of a wheel that lies in a folder of its own, started from an empty one."""

    def __init__(self, folder: Path, packages: Path) -> None:
        super().__init__(folder)
        self._packages = packages

    def command(self) -> list[str]:
        program = "from filewallball.cli import main; main()"
        options = ["--env-file", "settings", "serve", "--port", str(self.port)]
        return [sys.executable, "-P", "-c", program, *options]

    def environment(self) -> dict[str, str]:
        environ = super().environment()
        for name in ("PORT", "PREPARE_ON_START"):
            del environ[name]
        return {**environ, "PYTHONPATH": str(self._packages)}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the sources and unpacked as an installer does."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    no_caches = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in _FOLDERS:
        shutil.copytree(ROOT / name, source / name, ignore=no_caches)
    for name in _FILES:
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-deps"]
    options = ["--no-build-isolation", "--no-index", "--wheel-dir", str(folder), str(source)]
    subprocess.run([*command, *options], check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    assert wheel.name == "filewallball-1.0.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as file:
        file.extractall(folder / "packages")
    return folder / "packages"


@pytest.fixture
def installed(tmp_path: Path, packages: Path) -> Iterator[InstalledService]:
    service = InstalledService(tmp_path, packages)
    (tmp_path / "settings").write_text("MAX_UPLOAD_SIZE=2000\n")
    (tmp_path / "settings").chmod(0o600)
    yield service
    service.kill()


def test_a_service_runs_from_a_wheel_alone(installed: InstalledService, packages: Path) -> None:
    installed.start()

    uploaded = installed.request("PUT", "/upload/a.txt", data=b"some text")
    too_large = installed.request("PUT", "/upload/b.txt", data=bytes(3000))

    assert (uploaded.status_code, too_large.status_code) == (201, 413)
    assert installed.request("GET", f"/download/{uploaded.json()['file_id']}").content == b"some text"
    assert installed.request("GET", "/docs").status_code == 200
    opened = Path(f"/proc/{installed.pid}/environ").read_bytes().split(b"\0")
    assert f"PYTHONPATH={packages}".encode() in opened
    assert installed.stop() == 0


def test_a_bad_setting_ends_the_command_with_one_line(tmp_path: Path, packages: Path) -> None:
    program = "from filewallball.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, "serve"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(packages), "THREADS": "many"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("filewallball: THREADS: ")
    assert done.stderr.count("\n") == 1


def test_the_wheel_is_typed_and_holds_no_tests(packages: Path) -> None:
    assert (packages / "filewallball/py.typed").exists()
    assert (packages / "filewallball_client/py.typed").exists()
    newest = max((ROOT / "migrations/versions").glob("0*.py"))
    assert (packages / "filewallball/_shipped/migrations/versions" / newest.name).exists()
    assert {path.name for path in packages.iterdir() if path.is_dir()} - {
        "filewallball",
        "filewallball_client",
    } == {"filewallball-1.0.0.dist-info"}
