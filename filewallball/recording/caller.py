"""The caller of an operation: a client of the service, the service itself, or somebody at its command line."""

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from filewallball.addresses import client_network
from filewallball.settings.loading import claimed_user
from filewallball.text import sanitize


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A caller: identity, address and permissions."""

    user_id: int = 0
    username: str = ""
    token_id: int = 0
    role: str = "guest"
    permissions: frozenset[str] = frozenset()
    ip_address: str = ""
    counted_as: str = ""
    user_agent: str = ""
    request_id: str = ""
    operator: Mapping[str, str | int] | None = None
    """The person at the command line, as the operating system knows them."""

    def may(self, permission: str) -> bool:
        """True if the caller's role grants the permission."""
        return permission in self.permissions

    @property
    def is_anonymous(self) -> bool:
        return self.user_id == 0

    @property
    def principal(self) -> str:
        """The principal under which an upload is counted: the user, or the address that it came from."""
        if self.user_id:
            return f"user:{self.user_id}"
        return self.counted_as or client_network(self.ip_address or "127.0.0.1")


SYSTEM = Caller(username="system", role="admin")
"""The service itself."""
_UNSET = 2**32 - 1


def command_line() -> Caller:
    """Whoever uses the command line: the user of the process, whom sudo acts for, and who logged in."""
    operator: dict[str, str | int] = {"uid": os.getuid(), "user": user_name(os.getuid())}
    if sudo_user := claimed_user():
        operator["sudo_user"] = sanitize(sudo_user, 128)
    login = _login()
    if login is not None:
        operator["login_user"] = user_name(login)
    return replace(SYSTEM, operator=operator)


def user_name(uid: int) -> str:
    """The name of a user of this host; `#` and the number where there is none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"


def _login() -> int | None:
    """The user that logged in, whom Linux remembers through su and sudo; None where nobody did."""
    try:
        uid = int(Path("/proc/self/loginuid").read_text())
    except (OSError, ValueError):
        return None
    return None if uid == _UNSET else uid
