"""Variables whose names are nearly those of settings."""

from filewallball.text import nearly

# What begins so is ours, not another program's.
_OURS = (
    *("ALERT_", "AUDIT_", "AUTOBLOCK_", "QUOTA_", "RATELIMIT_", "SCAN_", "SCRUB_", "SLO_", "THUMBNAIL_"),
    "OTEL_EXPORTER_OTLP_TRACES_",  # or the library that exports traces would read it, past all checks
)


def misspelt(given: set[str], known: set[str]) -> list[str]:
    """One message for each variable that can only be meant for us, and is no setting."""
    messages = []
    for name in sorted(name for name in given - known if name.startswith(_OURS)):
        near = nearly(name, sorted(known))
        messages.append(f"{name}: there is no such setting" + (f"; did you mean {near}?" if near else "."))
    return messages


def doubtful(given: set[str], known: set[str]) -> list[str]:
    """One message for each variable that is nearly a setting, and may be another program's all the same."""
    others = sorted(name for name in given - known if not name.startswith(_OURS))
    near = {name: nearly(name, sorted(known)) for name in others}
    return [
        f"{name} is set, and is no setting; did you mean {other}?" for name, other in near.items() if other
    ]
