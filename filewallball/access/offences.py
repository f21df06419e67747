"""Which events speak against their client: wrong credentials, requests over a limit, suspicious uploads."""

from filewallball.errors import WRONG_CREDENTIALS
from filewallball.recording.event import SUCCESS, Event


def offence_of(event: Event) -> str | None:
    """What the event's client did that it must not do too often, or None. The service itself commits none."""
    if not event.ip_address or (event.status == SUCCESS and not (event.suspicious or event.over_limit)):
        return None
    if event.error_type in WRONG_CREDENTIALS:
        return "failed authentications"
    if event.error_type == "rate_limited" or event.over_limit:
        return "requests over a limit"
    return "suspicious uploads" if event.suspicious else None
