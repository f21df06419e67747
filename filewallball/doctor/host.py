"""Checks of `filewallball doctor` on this host itself: database, disk, backups, audit log, logging."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from filewallball.audit.seals import OTHER_KEY, Seals, holds_key
from filewallball.audit.verify_job import Verification
from filewallball.backup.last_backup import last_backup_us
from filewallball.clock import now_us
from filewallball.database.connections import Database
from filewallball.database.engines import dialect_of
from filewallball.database.turns import SUFFIX
from filewallball.errors import ApiError
from filewallball.recording.row_format import NEWEST, RowFormat
from filewallball.refusals.unanswered import is_readable
from filewallball.settings.guide import NOTIFICATION_CHANNELS
from filewallball.settings.service import Settings
from filewallball.storage.file_modes import open_to_others
from filewallball.storage.local import LocalStore

OK, WARNING, BAD = "ok", "warning", "bad"
_EXAMPLE_DOMAIN = "example.com"
_EXAMPLE_NUMBERS = NOTIFICATION_CHANNELS["sms"]["phone_numbers"]
_FULL_PERCENT, _FILLING_PERCENT = 90, 75
_LONG_UNVERIFIED = 2  # times AUDIT_VERIFY_INTERVAL


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One line of the doctor's: what was looked at, how it is, and what to do where it is not well."""

    name: str
    status: str
    text: str


def database(engines: Mapping[Any, Engine]) -> Diagnosis:
    """Check that a confirmed commit survives the loss of power."""
    faults: dict[str, None] = {}
    title = ""
    try:
        for engine in engines.values():
            dialect = dialect_of(engine.dialect.name)
            title = dialect.title
            with engine.connect() as connection:
                faults |= dict.fromkeys(dialect.durability_faults(connection))
    except SQLAlchemyError as error:
        return Diagnosis("database", BAD, f"does not answer: {getattr(error, 'orig', None) or error}")
    if faults:
        return Diagnosis("database", BAD, "a confirmed change may be lost: " + "; ".join(faults))
    files = {engine.url.database for engine in engines.values() if engine.dialect.name == "sqlite"}
    if foreign := [path for path in files if path and _is_foreign(Path(path + SUFFIX), Path(path))]:
        said = f"remove {foreign[0]}{SUFFIX}: it belongs to another user than the database, so writers take no turns"
        return Diagnosis("database", WARNING, said)
    return Diagnosis("database", OK, f"{title} keeps what it confirms")


def _is_foreign(path: Path, other: Path) -> bool:
    """True if both are there and belong to different users."""
    try:
        return path.stat().st_uid != other.stat().st_uid
    except OSError:
        return False


def disk(store: LocalStore) -> Diagnosis:
    """Check the free space, for bytes and for names."""
    try:
        store.check_mounted()
        space, nodes = store.space(), os.statvfs(store.root)
    except (ApiError, OSError) as error:
        return Diagnosis("disk", BAD, f"the store is not there: {error}")
    names = 100 * (1 - nodes.f_favail / nodes.f_files) if nodes.f_files else 0.0
    fullest = max(space.utilization_percent, names)
    said = f"{space.utilization_percent:.0f} % of the bytes and {names:.0f} % of the inodes are used"
    if space.free <= space.reserved:
        return Diagnosis("disk", BAD, f"{said}; uploads are refused (MIN_FREE_SPACE)")
    status = BAD if fullest > _FULL_PERCENT else WARNING if fullest > _FILLING_PERCENT else OK
    return Diagnosis("disk", status, said)


def nginx_log(settings: Settings) -> Diagnosis:
    """Check that what nginx answered while the service was away can be put on record."""
    if not settings.nginx_unanswered_log:
        if not settings.trusted_proxies:
            return Diagnosis("nginx log", OK, "there is no proxy whose log could be read")
        said = "requests that find the service away stay off the record; see NGINX_UNANSWERED_LOG"
        return Diagnosis("nginx log", WARNING, said)
    path = Path(settings.nginx_unanswered_log)
    if not is_readable(path):
        return Diagnosis("nginx log", BAD, f"{path} cannot be read; the service's user needs the group adm")
    return Diagnosis("nginx log", OK, f"{path} is read")


def file_modes(settings: Settings) -> Diagnosis:
    """Check that other users of this host can read neither database, logs nor secrets."""
    found = open_to_others(settings)
    if found:
        said = f"others reach {found[0]}" + (f" and {len(found) - 1} more" if len(found) > 1 else "")
        return Diagnosis("file modes", BAD, f"{said}: `filewallball prepare` closes them")
    return Diagnosis("file modes", OK, "others reach nothing in DATA_DIR")


def backup(settings: Settings) -> Diagnosis:
    """Check that there is a backup, and that it is young enough."""
    taken_us, longest = last_backup_us(settings.data_dir), settings.backup_max_age
    if not taken_us:
        status = BAD if longest else WARNING
        return Diagnosis("backup", status, "none was taken on this host: filewallball backup create FOLDER")
    age_us = now_us() - taken_us
    said = f"the last one is {age_us / 3.6e9:.1f} hours old"
    if longest is None:
        return Diagnosis("backup", WARNING, f"{said}; nobody watches their age (BACKUP_MAX_AGE)")
    late = age_us > longest.total_seconds() * 1e6
    return Diagnosis("backup", BAD if late else OK, f"{said}, due every {longest.total_seconds() / 3600:.0f}")


def recipients(settings: Settings) -> Diagnosis:
    """Check that alerts reach somebody: no channel is still addressed as in the guide's example."""
    unset = []
    mail = (*settings.alert_email_recipients, settings.alert_email_smtp_server)
    if settings.alert_email_enabled and any(address.endswith(_EXAMPLE_DOMAIN) for address in mail):
        unset.append("e-mail goes to example.com (ALERT_EMAIL_RECIPIENTS, ALERT_EMAIL_SMTP_SERVER)")
    if settings.alert_sms_enabled and set(settings.alert_sms_phone_numbers) & set(_EXAMPLE_NUMBERS):
        unset.append("SMS go to the guide's example (ALERT_SMS_PHONE_NUMBERS)")
    if "://" not in settings.alert_runbook_url:
        unset.append("links to the runbook lead nowhere from an e-mail (ALERT_RUNBOOK_URL)")
    said = (
        "; ".join(unset)
        or "the channels have addresses of your own; try them: filewallball alerts test CHANNEL"
    )
    return Diagnosis("recipients", WARNING if unset else OK, said)


def audit(
    settings: Settings, database: Database, seals: Seals, verification: Verification, row_format: RowFormat
) -> Diagnosis:
    """Check that the whole log was found intact lately, and is written as this release writes it."""
    with suppress(SQLAlchemyError):  # nothing is sealed where there is no log
        if not holds_key(database, seals):
            return Diagnosis("audit", BAD, OTHER_KEY)
    last = verification.last()
    if last is None:
        return Diagnosis("audit", WARNING, "never verified on this host: filewallball audit verify")
    if not last.report.is_intact:
        first = last.report.findings[0]
        return Diagnosis("audit", BAD, f"the log is broken at block {first.block}: {first.problem}")
    age_us = now_us() - last.last_success_us
    late = age_us > _LONG_UNVERIFIED * settings.audit_verify_interval.total_seconds() * 1e6
    said = f"found intact {age_us / 3.6e9:.1f} hours ago"
    if row_format.current() != NEWEST:
        said += "; written as an earlier release wrote it until `filewallball upgrade finish`"
        return Diagnosis("audit", WARNING, said)
    return Diagnosis("audit", WARNING if late else OK, said)


def logging(settings: Settings) -> Diagnosis:
    """Check that the log is written, in a form that machines can read."""
    path = settings.log_file
    if not path.is_file():
        return Diagnosis(
            "logging", WARNING, f"{path} is not there yet: the service has not run, or writes elsewhere"
        )
    if not os.access(path, os.W_OK):
        return Diagnosis("logging", BAD, f"{path} cannot be written by this user")
    if settings.log_format != "json":
        return Diagnosis("logging", WARNING, f"LOG_FORMAT={settings.log_format}: collectors want json")
    return Diagnosis("logging", OK, f"{settings.log_format} at level {settings.log_level} to {path}")
