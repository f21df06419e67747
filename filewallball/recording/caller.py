"""The caller of an operation: a client of the service, or the service itself."""

from dataclasses import dataclass

from filewallball.addresses import client_network


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
"""The service itself, and whoever uses its command line."""
