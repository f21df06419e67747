"""The kinds of errors: whose doing one is, and whether it denies something."""

from collections.abc import Mapping
from typing import ClassVar, Literal


class ApiError(Exception):
    """A refusal or failure that a caller sees as problem+json; `code` is also the metric label, audit and log value.

    `problem_type` is a registered type, where one says more than the code's own; `members` are those that it asks for.
    """

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    side: ClassVar[Literal["client", "server"]] = "server"
    denied: ClassVar[bool] = False
    retry_after: ClassVar[int | None] = None
    reads_body: ClassVar[bool] = True
    """True if the rest of the body is read away before the answer, which takes a thread for as long."""

    def __init__(
        self,
        detail: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        errors: Mapping[str, object] | None = None,
        facts: Mapping[str, object] | None = None,
        problem_type: str = "",
        members: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.headers = dict(headers or {})
        self.errors = dict(errors or {})
        self.facts = dict(facts or {})
        self.problem_type = problem_type
        self.members = dict(members or {})
        if self.retry_after is not None:
            self.headers.setdefault("Retry-After", str(self.retry_after))


class ClientError(ApiError):
    """The caller's doing."""

    side = "client"


class Denied(ClientError):
    """A refusal of access, of a right or of a limit."""

    denied = True
