"""The four roles and the closed set of permissions (design: Access)."""

SELF = "access:self"
FETCH = "file:fetch"
UPLOAD = "file:upload"
LIST = "file:list"
DELETE = "file:delete"
UPDATE = "file:update"
HISTORY = "file:history"
SHARE = "file:share"
ANY_FILE = "file:any"
STATS = "stats:read"
OWN_STATS = "stats:own"
ALERTS = "alerts:read"
RECEIVE_ALERTS = "alerts:receive"
AUDIT = "audit:read"
MANAGE = "access:manage"
QUARANTINE = "file:quarantine"

_GUEST = frozenset({SELF, FETCH})
_USER = _GUEST | {UPLOAD, LIST, UPDATE, HISTORY, DELETE, SHARE, OWN_STATS}
_MONITOR = _GUEST | {STATS, OWN_STATS, ALERTS}

ROLES: dict[str, frozenset[str]] = {
    "guest": _GUEST,
    "user": _USER,
    "monitor": _MONITOR,
    "admin": _USER | _MONITOR | {ANY_FILE, AUDIT, MANAGE, QUARANTINE},
}
MONITORING = frozenset({STATS, OWN_STATS, ALERTS})
"""The permissions of a caller from MONITORING_NETWORKS besides those of the role."""
