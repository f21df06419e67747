"""Sealing, verifying and pruning the audit log."""

from filewallball.audit.retention import Retention
from filewallball.audit.sealer import Rollup, Sealer
from filewallball.audit.seals import Seals
from filewallball.audit.totals import Totals
from filewallball.audit.verify_job import Verification
from filewallball.database.connections import Database
from filewallball.recording.operations import Ledger
from filewallball.registry import Registry
from filewallball.settings.service import Settings
from filewallball.stats.rollup import UsageRollup


def rollups(database: Database) -> tuple[Rollup, ...]:
    """The functions that are handed each audit row, in the transaction that seals it."""
    return (
        Totals(database).rollup,  # the totals of the audit list
        UsageRollup(database),  # the statistics
    )


def provide(registry: Registry) -> None:
    """The sealer, the verification and the retention."""
    settings, database = registry.find(Settings), registry.find(Database)
    seals, ledger = registry.find(Seals), registry.find(Ledger)
    verification = Verification(settings, database, seals, ledger)
    registry.provide(
        Sealer(settings.data_dir, database, seals, rollups(database)),
        verification,
        Retention(settings, database, seals, ledger, verification),
    )
