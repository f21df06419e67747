"""The gate: who is turned away before anything is read or looked up, and who has offended too often."""

from collections import deque
from dataclasses import dataclass

from limits import RateLimitItem

from filewallball.access.blockable import Blockable
from filewallball.access.blocks import ActiveBlock, BlockList
from filewallball.access.last_use import LastUse
from filewallball.access.limit_fields import Standing
from filewallball.access.limits import AUTH, GUESSES, Limits
from filewallball.access.offences import offence_of
from filewallball.addresses import client_network
from filewallball.errors import WRONG_CREDENTIALS, ApiError, Blocked, RateLimited
from filewallball.recording.event import Event
from filewallball.settings.rates import read_limits
from filewallball.settings.service import Settings
from filewallball.web.origin import Origin, Proxies

_PENDING = 1000


@dataclass(frozen=True, slots=True)
class Offender:
    """A client that did too much of something, to be blocked."""

    network: str
    reason: str
    evidence: str


class Gate:
    """Blocks and limits of one process. Costs a request next to nothing where neither is set."""

    def __init__(self, settings: Settings, proxies: Proxies, blocks: BlockList, limits: Limits) -> None:
        self.blocks = blocks
        self.limits = limits
        self.last_use = LastUse()
        self.enforces = settings.ratelimit_enforce
        self._proxies = proxies
        self.blockable = Blockable(settings)
        self._offenders: deque[Offender] = deque(maxlen=_PENDING)
        self._thresholds: dict[str, tuple[RateLimitItem, ...]] = {
            "failed authentications": read_limits(settings.autoblock_auth),
            "requests over a limit": read_limits(settings.autoblock_limits),
            "suspicious uploads": read_limits(settings.autoblock_suspicious),
        }

    def refusal(
        self, origin: Origin, bucket: str, has_credentials: bool, standings: list[Standing]
    ) -> ApiError | None:
        """The error that turns the request away by its address alone, or None; counts it towards the bucket's limit.

        Where the client stands then goes into `standings`.
        """
        block = self.blocks.find(origin.client_ip)
        if block is not None and not self._is_proxy(origin):
            return _blocked(block)
        limits = self.limits
        if limits.items[bucket] and not self._is_proxy(origin):
            verdict = limits.hit(bucket, origin.counted_as)
            standings += verdict.standings
            if verdict.refusal is not None:
                return verdict.refusal
        return self.refusal_of_credentials(origin, standings) if has_credentials else None

    def refusal_of_credentials(self, origin: Origin, standings: list[Standing]) -> RateLimited | None:
        """The error for a client with too many wrong credentials, whose new ones are not even looked at, or None."""
        if not self.limits.items[AUTH] or self._is_proxy(origin):
            return None
        verdict = self.limits.spent(AUTH, origin.counted_as)
        if verdict.refusal is not None:
            standings += verdict.standings
        return verdict.refusal

    def authentication_failed(self, origin: Origin, standings: list[Standing]) -> RateLimited | None:
        """Count it; the refusal that replaces the failure's own answer once there were too many."""
        if not self.limits.items[AUTH] or self._is_proxy(origin):
            return None
        verdict = self.limits.hit(AUTH, origin.counted_as)
        standings += verdict.standings
        return verdict.refusal

    def refusal_of_guess(self, origin: Origin, target: str) -> RateLimited | None:
        """Count a guess at the password of a thing; the refusal once this client made too many of them, or all
        clients together made ten times as many."""
        if not self._is_proxy(origin):
            refusal = self.limits.hit(AUTH, f"{target}:{origin.counted_as}").refusal
            if refusal is not None:
                return refusal
        return self.limits.hit(GUESSES, target).refusal

    def watch(self, event: Event) -> None:
        """Notice what a client does too often; `take_offenders` names it to the job that blocks."""
        offence = offence_of(event)
        if offence is None or self.blockable.spares(event.ip_address):
            return
        network = client_network(event.ip_address)
        for item in self._thresholds[offence]:
            count = self.limits.count(item, f"block:{offence}", network)
            if not count.is_within and count.is_own:
                evidence = f"last: {event.action} {event.error_type or 'suspicious'}, {event.request_id}"
                self._offenders.append(Offender(network, f"more than {item}: {offence}", evidence))
                return

    def take_offenders(self) -> list[Offender]:
        """Those noticed since the last call, each network once."""
        found = {}
        while self._offenders:
            offender = self._offenders.popleft()
            found[offender.network] = offender
        return list(found.values())

    def _is_proxy(self, origin: Origin) -> bool:
        return origin.trusted and self._proxies.trusts(origin.client_ip)


def is_authentication_failure(error: ApiError) -> bool:
    """True if the error says that credentials were given and were wrong."""
    return error.code in WRONG_CREDENTIALS


def _blocked(block: ActiveBlock) -> Blocked:
    return Blocked(facts={"block_id": block.id, "network": block.network})
