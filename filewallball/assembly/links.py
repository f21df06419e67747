"""Links to files."""

from filewallball.access.gate import Gate
from filewallball.database.connections import Database
from filewallball.files.fetch import Downloads
from filewallball.links.parts import make_links
from filewallball.recording.operations import Ledger
from filewallball.registry import Registry
from filewallball.settings.service import Settings


def provide(registry: Registry) -> None:
    """Links for their owners and for whoever follows one."""
    parts = make_links(
        registry.find(Settings),
        registry.find(Database),
        registry.find(Ledger),
        registry.find(Downloads),
        registry.find(Gate),
    )
    registry.provide(*parts)
