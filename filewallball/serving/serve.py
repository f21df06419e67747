"""`filewallball serve`: the service in the foreground."""

import os
import socket
import sysconfig
import time
from pathlib import Path

import click

from filewallball.commands import plain_failures
from filewallball.commands.paths import Folder
from filewallball.installation import SHIPPED
from filewallball.settings.loading import announce, load_settings

_PORT_SECONDS = 5.0
"""As long as gunicorn would try: a service that ends may still have the port."""


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
    from gunicorn.systemd import listen_fds

    given = {"BIND": bind, "PORT": port, "DATA_DIR": data_dir, "PREPARE_ON_START": "true"}
    announce(given, replacing=True)
    settings = load_settings()  # a bad one is told here, in one line
    if not listen_fds(unset_environment=False):  # nor given by systemd, for gunicorn to take
        _await_port(settings.bind, settings.port)
    # The script and not `python -m gunicorn`, which could not start itself again for an upgrade.
    script = Path(sysconfig.get_path("scripts"), "gunicorn")
    configuration = str(SHIPPED / "gunicorn.conf.py")
    os.execv(script, [str(script), "-c", configuration, "--pythonpath", str(SHIPPED), "wsgi:app"])  # noqa: S606


def _await_port(bind: str, port: int) -> None:
    """Wait for a port that can be listened on. Raises OSError, before anything is prepared, if it stays taken."""
    deadline = time.monotonic() + _PORT_SECONDS
    while True:
        try:
            _try_port(bind, port)
        except OSError as error:
            if time.monotonic() >= deadline:
                said = f"{error.strerror}; choose another port by --port or PORT"
                raise OSError(error.errno, said, f"{bind}:{port}") from error
            time.sleep(0.2)
        else:
            return


def _try_port(bind: str, port: int) -> None:
    family, kind, protocol, _, address = socket.getaddrinfo(bind, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        trial.bind(address)
        trial.listen()
