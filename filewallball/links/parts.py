"""The parts of links, built together."""

from filewallball.access.gate import Gate
from filewallball.audit.seals import seal_key
from filewallball.database.connections import Database
from filewallball.files.fetch import Downloads
from filewallball.links.claims import Claims
from filewallball.links.passwords import Passwords
from filewallball.links.service import Links
from filewallball.links.shared import SharedFiles
from filewallball.links.tickets import Tickets
from filewallball.recording.operations import Ledger
from filewallball.settings.service import Settings


def make_links(
    settings: Settings, database: Database, ledger: Ledger, downloads: Downloads, gate: Gate
) -> tuple[Links, SharedFiles]:
    """Links for their owners, and for whoever follows one."""
    passwords, claims, tickets = Passwords(), Claims(database, ledger), Tickets(seal_key(settings))
    shared = SharedFiles(settings.public_url, database, downloads, gate, claims, passwords, tickets)
    return Links(database, passwords, settings.public_url), shared
