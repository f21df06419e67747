"""Who a client is, and whether it is let in."""

from filewallball.access.blocks import BlockList
from filewallball.access.gate import Gate
from filewallball.access.limits import Limits, build_limiter
from filewallball.database.connections import Database
from filewallball.observability.metrics import Metrics
from filewallball.registry import Registry
from filewallball.settings.service import Settings
from filewallball.web.app import Application
from filewallball.web.hosts import hosts_of
from filewallball.web.origin import Proxies
from filewallball.web.pages import Pages


def provide(registry: Registry) -> None:
    """Proxies, hosts, pages, and the gate with its blocks and limits."""
    settings, metrics = registry.find(Settings), registry.find(Metrics)
    proxies = Proxies(
        settings.trusted_proxies,
        show_suspect=lambda suspect: metrics.set("proxy_setting_suspect_workers", suspect),
    )
    limits = Limits(
        build_limiter(registry.find(Application), settings),
        settings,
        show_degraded=lambda degraded: metrics.set("rate_limit_degraded_workers", degraded),
    )
    registry.provide(proxies, hosts_of(settings), Pages(settings.public_url, settings.cors_origins))
    registry.provide(Gate(settings, proxies, BlockList(registry.find(Database)), limits))
