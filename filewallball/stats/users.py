"""The users who do most, and who have used most of their quotas, for the metrics that name users."""

from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, select

from filewallball.access.quota_use import fullest_quotas
from filewallball.clock import now_us
from filewallball.database.connections import Database
from filewallball.observability.vocabulary import MAX_USERS
from filewallball.settings.service import Settings
from filewallball.stats.calendar import day_of
from filewallball.stats.tables import daily_seen
from filewallball.stats.tally import USER


@dataclass(frozen=True, slots=True)
class UserUse:
    """The work of the busiest users today, by id. Each ranking has no more than 50 of them."""

    bytes: dict[str, int] = field(default_factory=dict)
    operations: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    quotas: dict[str, float] = field(default_factory=dict)


class TopUsers:
    """The busiest users, as this process last read them: a scrape asks the database nothing, and shows no more than
    their fixed number however many users there are."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self.latest = UserUse()

    def refresh(self) -> None:
        """Read them again: today's sums of sealed rows, which are seconds old."""
        self.latest = self._database.snapshot(self._read)

    def _read(self, connection: Connection) -> UserUse:
        day = day_of(now_us())
        of = daily_seen.c
        return UserUse(
            _most(connection, day, of.bytes),
            _most(connection, day, of["count"]),
            _most(connection, day, of.errors),
            fullest_quotas(connection, self._settings, MAX_USERS),
        )


def _most(connection: Connection, day: int, number: ColumnElement[int]) -> dict[str, int]:
    """The users with the highest numbers of a day; those with none are left out."""
    statement = (
        select(daily_seen.c.key, number)
        .where(daily_seen.c.day == day, daily_seen.c.kind == USER, number > 0)
        .order_by(number.desc(), daily_seen.c.key)
        .limit(MAX_USERS)
    )
    return {key: int(value) for key, value in connection.execute(statement)}
