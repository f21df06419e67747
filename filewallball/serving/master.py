"""Gunicorn's master process and its work for the workers that it forks. It imports no other module of the service but
what the package itself does, so that a reload brings new code."""

import gc
import importlib
import os
import signal
import sys
from collections.abc import Callable

from filewallball.imports import telemetry_hidden

_LIBRARIES = (
    *("charset_normalizer", "flask_limiter", "flask_smorest", "flask_sqlalchemy", "flask_swagger_ui"),
    *("cryptography.hazmat.primitives.ciphers.aead", "cryptography.hazmat.primitives.kdf.hkdf"),
    *("http_sfv", "limits", "prometheus_flask_exporter.multiprocess", "pymysql", "redis"),
    *("sqlalchemy.dialects.mysql", "sqlalchemy.dialects.sqlite", "sqlalchemy.orm", "sqlite3", "uuid_utils"),
)
_TRACES = ("opentelemetry.exporter.otlp.proto.http.trace_exporter", "opentelemetry.sdk.trace.export")
"""What the export of traces needs, and nobody else."""

_SENT_TO_WORKERS = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1)


def import_libraries(*, with_traces: bool = False) -> None:
    """Import once what every process needs: a new one then starts in a third of the time and shares the memory."""
    with telemetry_hidden():
        for library in _LIBRARIES:
            importlib.import_module(library)
    for library in _TRACES if with_traces else ():
        importlib.import_module(library)
    gc.freeze()  # or a full collection would copy all of it into each worker: 49 MiB (benchmarks.shortcuts)


def in_child(work: Callable[[], object]) -> None:
    """Run `work` in a child process that ends afterwards. Raises SystemExit with its exit status if it fails."""
    child = os.fork()
    if not child:
        os._exit(_exit_status(work))
    try:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    except KeyboardInterrupt:
        code = 130
    if code:
        sys.exit(code)


def hold_signals() -> None:
    """Before a worker is forked: what it is sent waits for `release_signals`.

    Until it has handlers of its own it has the master's, which only note a signal for a loop that it never runs: told
    to stop, it would serve on until GRACEFUL_TIMEOUT kills it.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _SENT_TO_WORKERS)


def release_signals() -> None:
    """In the master once it forked or could not, in a worker once it has its handlers."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SENT_TO_WORKERS)


os.register_at_fork(after_in_parent=release_signals)


def _exit_status(work: Callable[[], object]) -> int:
    """The exit status of the child, which must never return into what the master was doing."""
    try:
        work()
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0
