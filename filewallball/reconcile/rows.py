"""Comparing the rows of files with what their uploads put on record, with their blobs and with the quotas."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, literal, or_, select, union_all

from filewallball.access.tables import quotas
from filewallball.files.history import details_of
from filewallball.files.resumable.tables import uploads
from filewallball.files.tables import KEPT, blobs, files
from filewallball.idempotency.tables import DONE, idempotency_keys
from filewallball.links.tables import links
from filewallball.recording.event import SUCCESS
from filewallball.recording.tables import audit_log
from filewallball.redaction import hide_tokens
from filewallball.stats.tally import UPLOAD
from filewallball.text import sanitize_json

_UPLOADED = and_(
    audit_log.c.resource_id == files.c.file_id,
    audit_log.c.action == UPLOAD,
    audit_log.c.status == SUCCESS,
)
_COLUMNS = (
    files.c.file_id,
    files.c.filename,
    files.c.file_size,
    files.c.mime_type,
    files.c.owner_id,
    files.c.client_ip,
    audit_log.c.ip_address,
    audit_log.c.file_size.label("size_on_record"),
    audit_log.c.file_type.label("type_on_record"),
    audit_log.c.user_id.label("user_on_record"),
    audit_log.c.details,
)


def changed_files(connection: Connection, first: int, last: int) -> list[str]:
    """Files with these ids whose size, type, owner or client is not the one of their upload, or whose name not the one
    that they were given last."""
    statement: Select[Any] = (
        select(*_COLUMNS).join(audit_log, _UPLOADED).where(files.c.id.between(first, last))
    )
    return [
        f"{', '.join(what)} of {row.file_id} changed"
        for row in connection.execute(statement).all()
        if (what := list(_changed(connection, row)))
    ]


def wrong_blobs(connection: Connection, first: int, last: int) -> list[str]:
    """Kept files with these ids that name other bytes than their blob has."""
    statement = (
        select(files.c.file_id)
        .join(blobs, blobs.c.id == files.c.blob_id)
        .where(files.c.id.between(first, last), files.c.state.in_(KEPT))
        .where(or_(blobs.c.sha256 != files.c.file_hash, blobs.c.size != files.c.file_size))
    )
    return [f"file {name} is not its blob's" for name in connection.execute(statement).scalars()]


def wrong_quotas(connection: Connection) -> list[str]:
    """Principals whose counted use is not what they keep and have announced."""
    stored = select(files.c.principal, literal(1).label("files"), files.c.file_size.label("bytes")).where(
        files.c.state.in_(KEPT)
    )
    announced = select(uploads.c.principal, uploads.c.charged_files, uploads.c.charged_bytes)
    each = union_all(stored, announced).subquery()
    kept = (
        select(each.c.principal, func.sum(each.c.files).label("files"), func.sum(each.c.bytes).label("bytes"))
        .group_by(each.c.principal)
        .subquery()
    )
    statement = (
        select(quotas.c.principal)
        .outerjoin(kept, kept.c.principal == quotas.c.principal)
        .where(quotas.c.used_files >= 0)  # else nobody counted yet
        .where(
            or_(
                quotas.c.used_files != func.coalesce(kept.c.files, 0),
                quotas.c.used_bytes != func.coalesce(kept.c.bytes, 0),
            )
        )
    )
    return [f"the use of {name} is miscounted" for name in connection.execute(statement).scalars()]


def wrong_keys(connection: Connection, since: int) -> list[str]:
    """Idempotency keys done since then whose operation is not on record as successful."""
    is_on_record = and_(audit_log.c.event_id == idempotency_keys.c.holder, audit_log.c.status == SUCCESS)
    statement = (
        select(idempotency_keys.c.holder)
        .outerjoin(audit_log, is_on_record)
        .where(idempotency_keys.c.state == DONE, idempotency_keys.c.done_us >= since)
        .where(audit_log.c.id.is_(None))
    )
    return [f"no operation {holder} of a key" for holder in connection.execute(statement).scalars()]


def wrong_links(connection: Connection, since: int) -> list[str]:
    """Links made since then that count other downloads than the claims on record."""
    is_claim = and_(
        audit_log.c.resource_id == links.c.file_id,
        audit_log.c.link_id == links.c.link_id,
        audit_log.c.action == "link:claim",
        audit_log.c.status == SUCCESS,
    )
    claims = select(func.count(audit_log.c.id)).where(is_claim).scalar_subquery()
    statement = select(links.c.link_id).where(links.c.created_us >= since, links.c.downloads != claims)
    return [f"link {name} is miscounted" for name in connection.execute(statement).scalars()]


def _changed(connection: Connection, row: Row[Any]) -> Iterator[str]:
    if not _is_named(row.filename, _name_on_record(row.details)) and not _is_named(
        row.filename, _last_name(connection, row)
    ):
        yield "name"
    if row.file_size != row.size_on_record:
        yield "size"
    if row.mime_type != row.type_on_record:
        yield "type"
    if row.owner_id != row.user_on_record:
        yield "owner"
    if row.client_ip != row.ip_address:
        yield "client"


def _is_named(filename: str, on_record: Any) -> bool:
    """True if the record says so, or says nothing. Records hold no secrets, nor what looks like one."""
    return on_record is None or on_record == hide_tokens(sanitize_json(filename))


def _last_name(connection: Connection, row: Row[Any]) -> Any:
    """The name that the file's last renaming has on record, that of its upload if there was none."""
    renamed = (
        select(audit_log.c.details)
        .where(audit_log.c.resource_id == row.file_id, audit_log.c.action == "file:update")
        .where(audit_log.c.status == SUCCESS)
        .order_by(audit_log.c.id.desc())  # whose order no clock changes
    )
    for details in connection.execute(renamed).scalars():
        changes = details_of(details).get("changes")
        if not isinstance(changes, dict):
            return None
        if "file_name" in changes:
            change = changes["file_name"]
            return change.get("new") if isinstance(change, dict) else None
    return _name_on_record(row.details)


def _name_on_record(details: str) -> Any:
    return details_of(details).get("filename")
