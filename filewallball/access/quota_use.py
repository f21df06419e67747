"""The users who have used most of their quotas."""

from sqlalchemy import BigInteger, ColumnElement, Connection, case, cast, exists, func, or_, select

from filewallball.access.tables import quotas, users
from filewallball.settings.service import Settings

_USER = "user:"
_ID = cast(func.substr(quotas.c.principal, len(_USER) + 1), BigInteger)
_IS_DISABLED = exists().where(users.c.id == _ID, users.c.disabled_us.is_not(None))


def fullest_quotas(connection: Connection, settings: Settings, most: int) -> dict[str, float]:
    """The used share of the quotas of those users who have used most, by id; of bytes or files, whichever is fuller.

    Users to whom no limit applies are not among them, nor are disabled ones: they upload nothing more.
    """
    most_bytes = func.coalesce(quotas.c.limit_bytes, settings.quota_user_bytes)
    most_files = func.coalesce(quotas.c.limit_files, settings.quota_user_files)
    of_bytes, of_files = _share(quotas.c.used_bytes, most_bytes), _share(quotas.c.used_files, most_files)
    used = case((of_bytes >= of_files, of_bytes), else_=of_files).label("used")
    statement = (
        select(quotas.c.principal, used)
        .where(
            quotas.c.principal.startswith(_USER),
            quotas.c.used_files >= 0,  # counted
            or_(most_bytes > 0, most_files > 0),
            ~_IS_DISABLED,
        )
        .order_by(used.desc(), quotas.c.principal)
        .limit(most)
    )
    return {name.removeprefix(_USER): float(share) for name, share in connection.execute(statement)}


def _share(used: ColumnElement[int], limit: ColumnElement[int]) -> ColumnElement[float]:
    return case((limit > 0, used * 1.0 / limit), else_=0.0)
