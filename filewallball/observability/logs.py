"""Sets logging up once for a process: every logger, gunicorn's too, writes the same kind of line to the same sinks."""

import logging
import re
from collections.abc import Callable

from filewallball.observability.log_lines import Fields, LineFormatter, json_line, text_line
from filewallball.observability.sinks import ConsoleSink, FileSink
from filewallball.redaction import Redactor
from filewallball.settings.service import Settings

_RENDERERS = {"json": json_line, "text": text_line}
_QUOTE = re.compile(r"['\"]")


class Logs:
    """The sinks of a process, and how a record becomes a line."""

    def __init__(self, settings: Settings) -> None:
        self.console = ConsoleSink()
        self.file = FileSink(settings.log_file, settings.log_max_size, settings.log_backup_count)
        self.render = _RENDERERS[settings.log_format]
        self._redactor = Redactor(settings.secrets())

    def write(self, fields: Fields) -> None:
        """Write a record that is already complete."""
        self.write_line(self.render(fields))

    def write_line(self, line: bytes) -> None:
        line = self._redactor.clean(line) + b"\n"
        self.console.write(line)
        self.file.write(line)

    def count_drops(self, count: Callable[[str], None]) -> None:
        """Call `count("console")` or `count("file")` for each line that a sink does not take."""
        self.console.dropped = lambda: count("console")
        self.file.dropped = lambda: count("file")

    def close(self) -> None:
        self.console.close()
        self.file.close()


def configure_logging(settings: Settings) -> Logs:
    """Send `filewallball.*` from LOG_LEVEL on, and warnings of everything else, to console and file.

    Handlers stand on the root logger, so other handlers there (a test's, an operator's) see our records too.
    Setting up again, for another application in the process, takes the place of the earlier set-up.
    """
    logs = Logs(settings)
    handler = _Handler(logs)
    for name in (None, "gunicorn.error"):
        logger = logging.getLogger(name)
        for old in [found for found in logger.handlers if isinstance(found, _Handler)]:
            logger.removeHandler(old)
            old.close()
        logger.addHandler(handler)
    logging.getLogger("filewallball").setLevel(settings.log_level)
    return logs


class _Handler(logging.Handler):
    """The handler that passes records of the standard library's loggers to our sinks."""

    def __init__(self, logs: Logs) -> None:
        super().__init__()
        self._logs = logs
        self.setFormatter(LineFormatter(logs.render))
        self.addFilter(_without_request_data)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._logs.write_line(self.format(record).encode())
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        self._logs.close()
        super().close()


def _without_request_data(record: logging.LogRecord) -> bool:
    """gunicorn quotes bad headers and whole URLs, with whatever credential stands in them."""
    if record.name == "gunicorn.error":
        if isinstance(record.args, tuple):
            record.args = tuple(_without_query(value) for value in record.args)
        if isinstance(record.msg, str) and record.msg.startswith("Invalid request"):
            record.msg = _QUOTE.split(record.msg)[0].rstrip(" :")
    return True


def _without_query(value: object) -> object:
    return value.partition("?")[0] if isinstance(value, str) else value
