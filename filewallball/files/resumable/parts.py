"""The parts of resumable uploads, put together for one application."""

from filewallball.access import Quotas
from filewallball.database.connections import Database
from filewallball.files.resumable.creation import Creation
from filewallball.files.resumable.ending import Endings
from filewallball.files.resumable.keyed_creation import KeyedCreation
from filewallball.files.resumable.progress import Progress
from filewallball.files.resumable.service import Count, ResumableUploads
from filewallball.files.resumable.sweep import UploadGauges, UploadSweep
from filewallball.files.upload import Uploads
from filewallball.idempotency.reservations import Reservations
from filewallball.recording.operations import Ledger
from filewallball.settings.service import Settings
from filewallball.storage.local import LocalStore
from filewallball.storage.upload_segments import UploadSegments


def make_parts(
    settings: Settings,
    database: Database,
    store: LocalStore,
    files: Uploads,
    reservations: Reservations,
    ledger: Ledger,
    count: Count,
) -> tuple[ResumableUploads, KeyedCreation, UploadSweep, UploadGauges]:
    """The parts that the routes use, that the jobs run, and that the metrics read."""
    quotas, segments = Quotas(settings, database), UploadSegments(store)
    progress = Progress(database, quotas)
    endings = Endings(ledger, store, segments, files, progress)
    creation = Creation(settings, database, store, quotas)
    uploads = ResumableUploads(settings, database, progress, segments, creation, endings, count)
    return (
        uploads,
        KeyedCreation(uploads, reservations),
        UploadSweep(settings, progress, segments, endings, count),
        UploadGauges(progress),
    )
