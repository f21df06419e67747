"""`filewallball serve`: the service in the foreground."""

import os
import sysconfig
from pathlib import Path

import click

from filewallball.commands import plain_failures
from filewallball.commands.paths import Folder
from filewallball.installation import SHIPPED
from filewallball.settings.loading import announce, load_settings


@click.command()
@click.option("--bind", metavar="ADDRESS", help="Address to listen on (BIND); 127.0.0.1 by default.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on (PORT); 8000 by default.")
@click.option(
    "--data-dir",
    type=Folder(),
    help="Folder of files, database and logs (DATA_DIR); ./instance by default.",
)
@plain_failures
def serve(bind: str | None, port: int | None, data_dir: Path | None) -> None:
    """Prepare what is missing and serve until Ctrl-C.

    Options win over the environment, and the environment over a file of settings.
    """
    given = {"BIND": bind, "PORT": port, "DATA_DIR": data_dir, "PREPARE_ON_START": "true"}
    announce(given, replacing=True)
    load_settings()  # a bad one is told here, in one line
    # The script and not `python -m gunicorn`, which could not start itself again for an upgrade.
    script = Path(sysconfig.get_path("scripts"), "gunicorn")
    configuration = str(SHIPPED / "gunicorn.conf.py")
    os.execv(script, [str(script), "-c", configuration, "--pythonpath", str(SHIPPED), "wsgi:app"])  # noqa: S606
