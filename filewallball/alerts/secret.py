"""Secrets of the channels: a setting's value, else what its file holds now."""

from pathlib import Path

from filewallball.settings.service import Settings


def read_secret(value: str, path: str) -> str:
    """`value`, else the text of the file; nothing where neither is there."""
    if value or not path:
        return value
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def webhook_secret(settings: Settings) -> str:
    """The secret that Alertmanager has to show; read at each use, so that it can change while the service runs."""
    return read_secret(settings.alert_webhook_secret, settings.alert_webhook_secret_file)
