"""Reconciliation: compares statistics, audit log, files table, disk and metrics, each with the next, a line each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, case, func, or_, select

from filewallball.audit.totals import wrong_hours
from filewallball.database.connections import Database
from filewallball.errors import ABORTED
from filewallball.files.inventory import count_files
from filewallball.files.tables import DELETED, EXPIRED, KEPT, blobs, files
from filewallball.observability.counters import Counters, epoch
from filewallball.observability.vocabulary import AUTH_FAILURES
from filewallball.reconcile.rows import changed_files, wrong_blobs, wrong_keys, wrong_links, wrong_quotas
from filewallball.reconcile.statistics import disagreements
from filewallball.recording.event import DENIED, FAILED, SUCCESS
from filewallball.recording.event_ids import Anchor
from filewallball.recording.operations import REFUSE
from filewallball.recording.shipper import Shipper
from filewallball.recording.tables import audit_log
from filewallball.settings.service import Settings
from filewallball.stats.calendar import HOUR_US
from filewallball.stats.rebuild import first_whole_hour
from filewallball.stats.snapshot import Statistics
from filewallball.stats.tally import DOWNLOAD, ENDINGS, SUSPICIOUS, UPLOAD, Stock
from filewallball.storage.local import LocalStore

_PIECE = 5000
_LONGEST_UPLOAD_US = 24 * HOUR_US
_NOT_ENFORCED = '"not_enforced":'
_DOWNLOADED = {"action": DOWNLOAD, "status": SUCCESS}
_UPLOADED = and_(audit_log.c.action == UPLOAD, audit_log.c.status == SUCCESS)
_ENDED = and_(audit_log.c.action.in_(sorted(ENDINGS)), audit_log.c.status == SUCCESS)


@dataclass(frozen=True, slots=True)
class Line:
    """One comparison."""

    name: str
    agrees: bool
    text: str

    def __str__(self) -> str:
        return f"{'ok    ' if self.agrees else 'DIFFER'}  {self.name}: {self.text}"


class Reconciliation:
    """Compares the records of one service."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        store: LocalStore,
        statistics: Statistics,
        shipper: Shipper,
    ) -> None:
        self._settings = settings
        self._database = database
        self._store = store
        self._statistics = statistics
        self._shipper = shipper

    def lines(self) -> Iterator[Line]:
        """Every comparison in turn. What is under way may make one differ; what is wrong keeps it so."""
        yield self._statistics_and_audit()
        yield _audit_and_files(self._database)
        yield self._statistics_and_files()
        yield self._files_and_disk()
        yield self._metrics_and_audit()

    def _statistics_and_audit(self) -> Line:
        count, found = disagreements(self._database)
        return _line(
            "statistics and audit log", f"{count:,} sealed operations", found + wrong_hours(self._database)
        )

    def _statistics_and_files(self) -> Line:
        kept, told = self._statistics.at_once(
            lambda snapshot: (_stock(snapshot.connection), snapshot.inventory())
        )
        nothing = Stock()
        found = [
            f"{name or 'unknown type'}: {kept.get(name, nothing).files} kept, {told.get(name, nothing).files} told"
            for name in sorted(kept.keys() | told.keys())
            if kept.get(name, nothing) != told.get(name, nothing)
        ]
        files, size = sum(stock.files for stock in kept.values()), sum(stock.bytes for stock in kept.values())
        return _line("statistics and files table", f"{files:,} files, {size:,} bytes", found)

    def _files_and_disk(self) -> Line:
        """Blobs are referred to as often as they say, and are on the disk in full; anything else there is litter."""
        found, count = [], 0
        first = 0
        while rows := _blobs_after(self._database, first):
            first = rows[-1].id
            count += len(rows)
            for row in rows:
                if row.refs != row.files:
                    found.append(f"blob {row.id} counts {row.refs} files of {row.files}")
                elif (
                    row.refs
                    and not self._store.holds(row.path, row.size)
                    and _is_there(self._database, row.id)
                ):
                    found.append(f"blob {row.id} is missing or short on the disk")
        bare = (
            select(files.c.file_id)
            .outerjoin(blobs, blobs.c.id == files.c.blob_id)
            .where(files.c.state.in_(KEPT), blobs.c.id.is_(None))
        )
        found += [f"file {file_id} has no blob" for file_id in self._database.scalars(bare)]
        for first, last in self._database.query(lambda connection: list(_pieces(connection, files.c.id))):
            found += self._database.query(partial(wrong_blobs, first=first, last=last))
        found += self._database.query(wrong_quotas)
        litter = sum(1 for path in self._store.blobs() if not _is_known(self._database, path))
        more = f", {litter:,} files without a row, left to the sweep" if litter else ""
        return _line("files table and disk", f"{count:,} blobs{more}", found)

    def _metrics_and_audit(self) -> Line:
        """Compare the counters of this host since its service started with the log since then."""
        name = "metrics and audit log"
        began = epoch(self._settings.metrics_dir)
        if began is None or not self._settings.prometheus_enabled:
            return Line(name, agrees=True, text="nothing is counted here")
        if lost := self._database.query(lambda connection: _lost_since(connection, began)):
            return Line(name, agrees=True, text=f"not compared: {lost} since the service started")
        self._shipper.flush(seconds=5)
        enforced = self._settings.ratelimit_enforce
        logged = self._database.query(lambda connection: _logged_since(connection, began, enforced))
        counters = Counters(self._settings.metrics_dir)
        pending = self._shipper.backlog().unsettled
        allowed = pending + self._settings.threads * counters.total("worker_unclean_exits_total")
        pairs = list(_pairs(logged, counters))
        if not allowed:  # of operations that died uncounted nobody knows how large they were
            pairs += _sizes(logged, counters)
        found = [
            f"{what}: {of_metrics:,} counted, {of_log:,} on record"
            for what, of_log, of_metrics in pairs
            if abs(of_log - of_metrics) > allowed
        ]
        more = f", {pending:,} pending" if pending else ""
        text = f"{pairs[0][2]:,} operations counted{more}, a difference of {allowed} allowed"
        return _line(name, text, found)


def _audit_and_files(database: Database) -> Line:
    """Every upload on record has its file, every file its upload, and every end its record; since the last pruning."""

    def work(connection: Connection) -> tuple[int, list[str]]:
        since = first_whole_hour(connection) * HOUR_US
        uploads, found = 0, []
        for first, last in _pieces(connection, audit_log.c.id):
            piece = audit_log.c.id.between(first, last), audit_log.c.timestamp_us >= since
            uploads += _count(connection, select(audit_log.c.id).where(*piece, _UPLOADED))
            lost = select(audit_log.c.resource_id).outerjoin(
                files, files.c.file_id == audit_log.c.resource_id
            )
            found += _ids(connection, lost.where(*piece, _UPLOADED, files.c.id.is_(None)), "no file {}")
            alive = lost.where(*piece, _ENDED, files.c.state.in_(KEPT))
            found += _ids(connection, alive, "file {} is recorded as ended")
        kept_since = since + _LONGEST_UPLOAD_US if since else 0  # an upload is on record with when it began
        for first, last in _pieces(connection, files.c.id):
            piece = files.c.id.between(first, last), files.c.upload_us >= since
            unknown = _unrecorded(_UPLOADED).where(*piece, files.c.upload_us >= kept_since)
            found += _ids(connection, unknown, "no upload of {}")
            ended = files.c.state.in_((DELETED, EXPIRED))
            found += _ids(connection, _unrecorded(_ENDED).where(*piece, ended), "no end of {}")
            found += changed_files(connection, first, last)
        found += wrong_keys(connection, kept_since)
        found += wrong_links(connection, kept_since)
        return uploads, found

    uploads, found = database.snapshot(work)
    return _line("audit log and files table", f"{uploads:,} uploads", found)


def _stock(connection: Connection) -> dict[str, Stock]:
    return {name: Stock(*kept) for name, kept in count_files(connection).items()}


def _lost_since(connection: Connection, began: Anchor) -> str:
    """The reason why the log no longer holds all that was counted; empty if it does."""
    if first_whole_hour(connection) * HOUR_US > began.moment_us:
        return "the log was pruned of what happened"
    restored = (
        audit_log.c.action == "backup:restore",
        audit_log.c.status == SUCCESS,
        audit_log.c.event_id >= began.first_id,
    )
    found = connection.execute(select(audit_log.c.id).where(*restored).limit(1)).first()
    return "a backup was restored" if found else ""


def _pairs(logged: Sequence[Row[Any]], counters: Counters) -> Iterator[tuple[str, int, int]]:
    """Yield each pair to compare: its name, the log's number and the counted one."""
    counted = counters.total
    operations = counted("operations_total") - counted("operations_total", action=REFUSE)
    yield "operations", _sum(logged), operations
    for status in (SUCCESS, FAILED, DENIED):
        uploads = _sum(logged, action=UPLOAD, status=status)
        yield f"uploads {status}", uploads, counted("file_uploads_total", status=status)
    yield "downloads", _sum(logged, **_DOWNLOADED), counted("file_downloads_total")
    yield "suspicious uploads", _sum(logged, "suspicious"), counted("suspicious_uploads_total")
    yield "rate limit violations", _sum(logged, "over_limit"), counted("rate_limit_violations_total")
    for code, failure in AUTH_FAILURES.items():
        refused = counted("authentication_failures_total", failure_type=failure)
        yield f"credentials {failure}", _sum(logged, error_type=code), refused
    for result in ("hit", "miss"):
        yield f"cache {result}", _sum(logged, cache=result), counted("cache_requests_total", result=result)


def _sizes(logged: Sequence[Row[Any]], counters: Counters) -> Iterator[tuple[str, int, int]]:
    uploaded = _sum(logged, "bytes", action=UPLOAD, status=SUCCESS)
    yield "bytes uploaded", uploaded, counters.total("file_upload_bytes_total", status=SUCCESS)
    downloaded = _sum(logged, "bytes", **_DOWNLOADED)
    yield "bytes downloaded", downloaded, counters.total("file_download_bytes_total", status=SUCCESS)


def _sum(logged: Sequence[Row[Any]], value: str = "n", **wanted: str) -> int:
    chosen = (row for row in logged if all(getattr(row, name) == it for name, it in wanted.items()))
    return sum(int(getattr(row, value)) for row in chosen)


def _logged_since(connection: Connection, began: Anchor, enforced: bool) -> Sequence[Row[Any]]:
    """Sums of the log since then, in the order of ids: the wall clock may have been set back meanwhile."""
    count, details = audit_log.c.count, audit_log.c.details
    over_limit = audit_log.c.error_type == "rate_limited"
    if not enforced:  # then what exceeds a limit passes, and only the details tell
        over_limit = or_(over_limit, func.instr(details, _NOT_ENFORCED) > 0)
    is_suspicious = and_(audit_log.c.action == UPLOAD, func.instr(details, SUSPICIOUS) > 0)
    keys = audit_log.c.action, audit_log.c.status, audit_log.c.error_type, audit_log.c.cache
    sums = (
        func.sum(count).label("n"),
        func.sum(count * audit_log.c.file_size).label("bytes"),
        func.sum(case((is_suspicious, count), else_=0)).label("suspicious"),
        func.sum(case((over_limit, count), else_=0)).label("over_limit"),
    )
    # Of the proxy's refusals some happened while the service was away, before it counted.
    since = (
        audit_log.c.event_id >= began.first_id,
        audit_log.c.error_type != ABORTED,
        audit_log.c.action != REFUSE,
    )
    statement: Select[Any] = select(*keys, *sums).where(*since).group_by(*keys)
    return connection.execute(statement).all()


def _pieces(connection: Connection, key: ColumnElement[int]) -> Iterator[tuple[int, int]]:
    first, last = connection.execute(select(func.min(key), func.max(key))).one()
    for start in range(first or 0, (last or -1) + 1, _PIECE):
        yield start, start + _PIECE - 1


def _unrecorded(event: ColumnElement[bool]) -> Select[Any]:
    matching = and_(audit_log.c.resource_id == files.c.file_id, event)
    return select(files.c.file_id).outerjoin(audit_log, matching).where(audit_log.c.id.is_(None))


def _blobs_after(database: Database, first: int) -> Sequence[Row[Any]]:
    kept = files.alias()
    refs = select(func.count()).where(kept.c.blob_id == blobs.c.id, kept.c.state.in_(KEPT)).scalar_subquery()
    columns = (blobs.c.id, blobs.c.refs, blobs.c.path, blobs.c.size, refs.label("files"))
    statement = select(*columns).where(blobs.c.id > first).order_by(blobs.c.id).limit(_PIECE)
    return database.rows(statement)


def _is_there(database: Database, blob_id: int) -> bool:
    still = select(blobs.c.id).where(blobs.c.id == blob_id, blobs.c.refs > 0)
    return database.row(still) is not None


def _is_known(database: Database, path: str) -> bool:
    known = select(blobs.c.id).where(blobs.c.path == path)
    return database.row(known) is not None


def _count(connection: Connection, statement: Select[Any]) -> int:
    return int(connection.execute(select(func.count()).select_from(statement.subquery())).scalar_one())


def _ids(connection: Connection, statement: Select[Any], text: str) -> list[str]:
    return [text.format(found) for found in connection.execute(statement).scalars()]


def _line(name: str, text: str, found: list[str]) -> Line:
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return Line(name, not found, text if not found else f"{'; '.join(found[:3])}{more}")
