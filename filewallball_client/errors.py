"""Failures between a client and the service, one class for each outcome that a caller may tell apart."""

from dataclasses import dataclass, field

_PASSING = frozenset({408, 423, 429, 502, 503, 504, 507})
_KEY_IN_USE = "idempotency_key_in_use"


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal as the service words it (RFC 9457)."""

    status: int
    title: str
    detail: str = ""
    code: str = ""
    request_id: str = ""
    errors: dict[str, list[str]] = field(default_factory=dict)

    def __str__(self) -> str:
        text = f"{self.title}: {self.detail}" if self.detail and self.detail != self.title else self.title
        marks = [f"code {self.code}" if self.code else f"status {self.status}"]
        if self.request_id:
            marks.append(f"request {self.request_id}")
        return f"{text} ({', '.join(marks)})"


class ClientError(Exception):
    """Anything that this package raises on purpose."""


class Refused(ClientError):
    """The service answered, and said no; `retry_after` are the seconds after which it asks to be asked again."""

    def __init__(self, problem: Problem, retry_after: float | None = None) -> None:
        super().__init__(str(problem))
        self.problem = problem
        self.retry_after = retry_after

    @property
    def is_passing(self) -> bool:
        """True if the service is busy or away for the moment: the same request may succeed later."""
        return self.problem.status in _PASSING or self.problem.code == _KEY_IN_USE

    @property
    def is_final(self) -> bool:
        """True if the same upload would be refused again; a token that is not accepted may yet be."""
        return 400 <= self.problem.status < 500 and self.problem.status != 401 and not self.is_passing


class Unreachable(ClientError):
    """The service could not be reached, or not for long enough; trying again later may help."""


class OutcomeUnknown(ClientError):
    """The answer to an upload was lost, and the service cannot tell what became of it: look before trying again."""


class DigestMismatch(ClientError):
    """The bytes that arrived are not those that were sent. What arrived is not kept."""


class LocalError(ClientError):
    """A file on this side cannot be read or written."""


class SettingsError(ClientError):
    """The server, the token or an option is missing, unreadable or not allowed."""
