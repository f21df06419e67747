"""The number of idempotency keys in use, as a job last counted them: a scrape asks the database nothing."""

from sqlalchemy import func, select

from filewallball.database.connections import Database
from filewallball.idempotency.tables import RUNNING, idempotency_keys

_COUNT = select(func.count()).where(idempotency_keys.c.state == RUNNING)


class KeysInUse:
    """Counts the keys that a request holds, or held when its process ended."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.count = 0

    def refresh(self) -> None:
        """Count them anew."""
        self.count = self._database.scalars(_COUNT)[0]
