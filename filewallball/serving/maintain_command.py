"""`filewallball maintain`: the periodic jobs in a process of their own."""

import signal
import sys
import threading

import click
from flask import Flask

from filewallball.commands import with_app
from filewallball.serving import maintenance


@click.command()
@click.option(
    "--once",
    is_flag=True,
    help="Run every job once and end, with 1 if one of them failed. Those that remove old records wait for an hour "
    "first, and so do nothing.",
)
@with_app
def maintain(app: Flask, once: bool) -> None:
    """Run the periodic jobs in this process until it is stopped."""
    jobs = maintenance.worker_jobs(app) + maintenance.host_jobs(app)
    if once:
        loop = maintenance.Loop(jobs + maintenance.slow_jobs(app))
        loop.run_due()
        sys.exit(1 if loop.is_failing else 0)
    # What systemd says: left to itself, it would end as if it were killed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    finish = maintenance.start(app)
    try:
        threading.Event().wait()
    finally:
        finish()
