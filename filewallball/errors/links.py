"""Errors of links and tickets."""

from filewallball.errors.kinds import ClientError, Denied


class LinkPasswordRequired(Denied):
    code, status, title = "link_password_required", 401, "The link needs a password"

    def __init__(self, detail: str = "", **kwargs: object) -> None:
        super().__init__(detail, **kwargs)  # type: ignore[arg-type]
        self.headers.setdefault("WWW-Authenticate", 'Link-Password realm="filewallball"')


class LinkPasswordWrong(Denied):
    code, status, title = "link_password_wrong", 403, "The password is not this link's"


class LinkUnconfirmed(Denied):
    code, status, title = "link_unconfirmed", 403, "The download counts, and nobody has confirmed it"


class LinkRevoked(ClientError):
    code, status, title = "link_revoked", 410, "The link was revoked"


class LinkExpired(ClientError):
    code, status, title = "link_expired", 410, "The link has expired"


class LinkUsedUp(ClientError):
    code, status, title = "link_used_up", 410, "The link has no download left"


class TicketExpired(ClientError):
    code, status, title = "ticket_expired", 410, "The ticket has expired, or is not valid from this network"
