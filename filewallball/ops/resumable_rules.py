"""The alert rules of resumable uploads and of idempotency keys."""

from filewallball.ops.guide_rules import WARNING, Rule
from filewallball.settings.service import Settings

_HOUR = 3600
_MANY_EXPIRED = 20
_MANY_BREAKS = 5
"""More than these of each upload within a quarter of an hour are no matter of its own client's network."""


def ended_within(settings: Settings) -> int:
    """The seconds after which no upload should be unfinished any more."""
    return round(settings.upload_expires.total_seconds()) + _HOUR


def resumable_rules(settings: Settings) -> tuple[Rule, ...]:
    """Uploads that are not ended, not finished, or broken off again and again, and keys that nobody frees."""
    return (
        Rule(
            "UploadsNotEnded",
            f"resumable_upload_oldest_seconds > {ended_within(settings)}",
            "5m",
            WARNING,
            "Unfinished uploads are not ended",
            "The oldest upload that {{ $labels.instance }} sees is {{ $value | humanizeDuration }} old, "
            "although uploads expire before that",
        ),
        *_RULES,
    )


_RULES = (
    Rule(
        "UploadsAbandoned",
        f"increase(resumable_uploads_expired_total[1h]) > {_MANY_EXPIRED}",
        "5m",
        WARNING,
        "Many uploads are never finished",
        "{{ $value | printf `%.0f` }} resumable uploads of {{ $labels.instance }} expired within an hour",
    ),
    Rule(
        "UploadsBreakingOff",
        "increase(resumable_uploads_resumed_total[15m])"
        f" > {_MANY_BREAKS} * (max_over_time(resumable_uploads_unfinished[15m]) > 0)",
        "10m",
        WARNING,
        "Uploads break off again and again",
        "{{ $value | printf `%.0f` }} times in 15 minutes a resumable upload of {{ $labels.instance }} went on "
        "after it was broken off",
    ),
    Rule(
        "IdempotencyKeysHeld",
        # Hosts with one database see the same keys.
        'idempotency_keys_in_use > on () group_left () sum(active_connections{job="filewallball"})',
        "10m",
        WARNING,
        "Idempotency keys are not freed",
        "{{ $value }} keys that {{ $labels.instance }} sees are in use, and fewer requests are in progress",
    ),
)
