"""What setup.cfg cannot say: a wheel carries the migrations and gunicorn's configuration inside the package."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithShipped(build_py):
    """Copies what stands beside the package to `filewallball/_shipped`, where `installation.py` looks first."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib, "filewallball", "_shipped")
        no_caches = shutil.ignore_patterns("__pycache__")
        shutil.copytree("migrations", target / "migrations", dirs_exist_ok=True, ignore=no_caches)
        for name in ("gunicorn.conf.py", "wsgi.py"):
            shutil.copy(name, target)


setup(cmdclass={"build_py": BuildWithShipped})
