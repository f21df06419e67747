"""Files for whoever has a link or a ticket to them: what it gives, at this moment, to this client."""

from dataclasses import dataclass, replace

from filewallball import errors, permissions
from filewallball.access.authentication import identity_of
from filewallball.access.gate import Gate
from filewallball.database.connections import Database
from filewallball.files.delivery import Content
from filewallball.files.fetch import Downloads
from filewallball.files.sending import Admit, admit_all
from filewallball.files.thumbnails import SOURCES
from filewallball.links.claims import Claim, Claims
from filewallball.links.lookup import (
    ACTIVE,
    UNAVAILABLE,
    USED_UP,
    FoundLink,
    check_alive,
    find_by_id,
    find_by_url,
    is_used_up,
    state_of,
)
from filewallball.links.passwords import Passwords
from filewallball.links.tickets import Ticket, Tickets
from filewallball.recording.operations import Operation
from filewallball.web.origin import Origin


@dataclass(frozen=True, slots=True)
class SharedFile:
    """A file that may be sent now."""

    content: Content
    admit: Admit


@dataclass(frozen=True, slots=True)
class LinkInfo:
    """The facts of a link that a visitor is told; of the file nothing before it may be fetched."""

    state: str
    needs_password: bool
    file_name: str | None = None
    size: int | None = None
    media_type: str | None = None


@dataclass(frozen=True, slots=True)
class IssuedTicket:
    """A new ticket, with the addresses that it opens and the file that they lead to."""

    ticket: str
    expires_us: int
    file_name: str
    size: int
    media_type: str
    base_url: str

    @property
    def url(self) -> str:
        return f"{self.base_url}/t/{self.ticket}"

    @property
    def view_url(self) -> str:
        return f"{self.url}/view"

    @property
    def thumbnail_url(self) -> str | None:
        return f"{self.url}/thumbnail" if self.media_type in SOURCES else None


class SharedFiles:
    """Fetching by links and tickets. Takes plain values and an operation, never a request."""

    def __init__(
        self,
        public_url: str,
        database: Database,
        downloads: Downloads,
        gate: Gate,
        claims: Claims,
        passwords: Passwords,
        tickets: Tickets,
    ) -> None:
        self._public_url = public_url
        self._database = database
        self._downloads = downloads
        self._gate = gate
        self._claims = claims
        self._passwords = passwords
        self._tickets = tickets

    def by_url(
        self, op: Operation, link_id: str, secret: str, origin: Origin, *, is_undecided: bool = False
    ) -> SharedFile:
        """The file of a link's URL; `is_undecided` if a person may not have asked for it yet. Raises NotFound for any
        that is none, LinkRevoked, LinkExpired, LinkUsedUp, LinkPasswordRequired, LinkUnconfirmed where a download is
        counted against a limit, and what hinders a fetch."""
        link = self._find(op, link_id, secret)
        check_alive(link)
        if link.password_hash:
            raise errors.LinkPasswordRequired
        shared = self._by_link(op, link, origin)
        if is_undecided and link.max_downloads is not None:
            raise errors.LinkUsedUp if is_used_up(link) else errors.LinkUnconfirmed
        return shared

    def by_ticket(self, op: Operation, text: str, origin: Origin) -> SharedFile:
        """The file of a ticket. Raises NotFound, TicketExpired, and as `by_url` does."""
        ticket = self._tickets.read(text, origin.counted_as)
        op.note(resource_id=ticket.file_id)
        if ticket.link_id:
            link = find_by_id(self._database, ticket.link_id)
            if link is None:
                raise errors.NotFound
            _note(op, link)
            check_alive(link)
            return self._by_link(op, link, origin)
        self._act_for_owner(op, ticket)
        return SharedFile(self._downloads.fetch(op, ticket.file_id), admit_all)

    def unlock(self, op: Operation, link_id: str, secret: str, password: str, origin: Origin) -> IssuedTicket:
        """A ticket for whoever knows the link's password. Raises LinkPasswordWrong, RateLimited, and as `by_url`."""
        link = self._find(op, link_id, secret)
        check_alive(link)
        if link.password_hash:
            self._check_password(op, link, password, origin)
        shared = self._by_link(op, link, origin)
        return self._issue(shared.content, origin, link_id=link.link_id)

    def ticket(self, op: Operation, file_id: str, origin: Origin) -> IssuedTicket:
        """A ticket for the owner of a token that may fetch the file. Raises AuthMissing, and what hinders a fetch."""
        content = self._downloads.fetch(op, file_id)
        if not op.caller.token_id:
            raise errors.AuthMissing("A ticket stands for a token: send one.")
        op.note(resource_id=content.file_id)
        return self._issue(content, origin, token_id=op.caller.token_id)

    def info(self, op: Operation, link_id: str, secret: str, origin: Origin) -> LinkInfo:
        """The state of a link, and its file where it may be fetched. Raises NotFound."""
        link = self._find(op, link_id, secret)
        needs_password = bool(link.password_hash)
        state = state_of(link)
        if state not in (ACTIVE, USED_UP):
            return LinkInfo(state, needs_password)
        try:
            content = self._by_link(op, link, origin).content
        except errors.LinkUsedUp:
            return LinkInfo(USED_UP, needs_password)
        except errors.ApiError:
            return LinkInfo(UNAVAILABLE, needs_password)
        if needs_password:
            return LinkInfo(ACTIVE, needs_password)
        return LinkInfo(ACTIVE, needs_password, content.filename, content.size, content.media_type)

    def _find(self, op: Operation, link_id: str, secret: str) -> FoundLink:
        link = find_by_url(self._database, link_id, secret)
        if link is None:
            raise errors.NotFound
        _note(op, link)
        return link

    def _by_link(self, op: Operation, link: FoundLink, origin: Origin) -> SharedFile:
        """The file of a link that is alive, for a client who needs no password any more."""
        content = self._downloads.fetch(op, link.file_id, is_shared=True)
        claim = Claim(link, origin.counted_as if origin.is_known else "", content.sha256)
        self._claims.check(claim)
        return SharedFile(content, lambda is_part: self._claims.take(op, claim, is_part=is_part))

    def _check_password(self, op: Operation, link: FoundLink, password: str, origin: Origin) -> None:
        refusal = self._gate.refusal_of_guess(origin, link.link_id)
        if refusal is not None and self._gate.enforces:
            raise refusal
        if refusal is not None:
            op.note(over_limit=True, details={"not_enforced": refusal.facts})
        if not self._passwords.matches(password, link.password_hash):
            raise errors.LinkPasswordWrong

    def _act_for_owner(self, op: Operation, ticket: Ticket) -> None:
        """Go on as the user whose token the ticket stands for, as far as that goes now."""
        identity = identity_of(self._database, ticket.token_id)
        if identity is None:
            raise errors.TicketExpired
        op.act_for(
            replace(
                op.caller,
                user_id=identity.user_id,
                username=identity.username,
                token_id=identity.token_id,
                role=identity.role,
                permissions=permissions.ROLES[identity.role],
            )
        )

    def _issue(
        self, content: Content, origin: Origin, *, link_id: str = "", token_id: int = 0
    ) -> IssuedTicket:
        text, ticket = self._tickets.issue(
            content.file_id, origin.counted_as, link_id=link_id, token_id=token_id
        )
        return IssuedTicket(
            text, ticket.expires_us, content.filename, content.size, content.media_type, self._public_url
        )


def _note(op: Operation, link: FoundLink) -> None:
    op.note(resource_id=link.file_id, link_id=link.link_id, details={"link": link.name})
