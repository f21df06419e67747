"""`filewallball audit verify|prune|grants`: prove the log, shorten it, say who may add to it."""

import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import click
from sqlalchemy.engine import make_url

from filewallball.audit.grants import grants as statements
from filewallball.audit.report import Report
from filewallball.audit.retention import Retention
from filewallball.audit.sealer import Sealer
from filewallball.audit.verifier import Progress, Span
from filewallball.audit.verify_job import Verification
from filewallball.clock import now_us, parse_moment, rfc3339
from filewallball.commands import with_service
from filewallball.commands.output import answer, json_option, progress, under_way
from filewallball.errors import AuditBroken
from filewallball.recording.caller import command_line
from filewallball.recording.shipper import Shipper
from filewallball.registry import Registry, part
from filewallball.settings.service import Settings

_STEPS = 1000
_MOST_DIGITS = 18
"""Of the number of a block, which the database keeps in 64 bits."""


@click.command()
@click.option(
    "--from", "first", metavar="BLOCK|DATE", help="First block, or the first moment (2024-01-15, UTC)."
)
@click.option("--to", "last", metavar="BLOCK|DATE", help="Last block, or the last moment.")
@json_option
@with_service
def verify(service: Registry, first: str | None, last: str | None, as_json: bool) -> None:
    """Prove that the log is what was sealed; ends with status 1 and the first bad block if it is not.

    A range proves its own blocks. Only the whole log proves that nothing was cut off at either end.
    """
    with under_way("Sealing the newest rows"):
        _settle(service)
    span = Span(_block(service, first, is_start=True), _block(service, last, is_start=False))
    if span.first and span.last and span.first > span.last:
        raise click.BadParameter("The range holds no sealed block.")
    with progress(_STEPS, "Verifying") as advance:
        report = part(Verification, service).run(command_line(), span, _in_steps(advance))
    if report.is_intact and not report.blocks and not span.is_whole:
        raise click.BadParameter("The range holds no sealed block.")
    if as_json:
        answer(_as_object(report), as_json=True)
    else:
        _tell(report)
    if not report.is_intact:
        sys.exit(1)


@click.command()
@click.option(
    "--before", metavar="DATE", help="Prune blocks that end before this moment; AUDIT_RETENTION by default."
)
@json_option
@with_service
def prune(service: Registry, before: str | None, as_json: bool) -> None:
    """Remove whole blocks that are old enough, oldest first, and leave a sealed stub."""
    before_us = None if before is None else _past(before)
    with under_way("Pruning") as show:

        def tell(rows: int) -> None:
            show(f"Pruning: {rows:,} rows so far")

        retention = part(Retention, service)
        if before_us is None:
            rows = retention.prune_expired(command_line(), progress=tell)
        else:
            rows = retention.prune(command_line(), before_us, tell)
    answer({"rows": rows}, f"{rows} rows pruned.", as_json=as_json)


@click.command()
@click.argument("account")
@with_service
def grants(service: Registry, account: str) -> None:
    """Print the MariaDB grants for the service's own ACCOUNT, such as 'filewallball'@'10.0.0.%'."""
    url = make_url(part(Settings, service).database_url)
    has_accounts = url.get_backend_name() != "sqlite"
    if not has_accounts:
        click.echo(
            "SQLite has no accounts: these are the grants for a database `filewallball` of MariaDB.", err=True
        )
    database = url.database if has_accounts else None
    click.echo("\n".join(statements(database or "filewallball", account)))


def _settle(service: Registry) -> None:
    """Ship and seal what waits, so that it is verified too; where that fails, verification says why."""
    part(Shipper, service).flush()
    try:
        part(Sealer, service).run()
    except Exception as error:
        said = error.detail if isinstance(error, AuditBroken) else type(error).__name__
        click.echo(f"The newest rows could not be sealed: {said}", err=True)


def _past(date: str) -> int:
    try:
        before_us = parse_moment(date)
    except ValueError as error:
        raise click.BadParameter(f"{date!r} is not a date.") from error
    if before_us > now_us():
        raise click.BadParameter(f"{date!r} lies in the future: everything would go.")
    return before_us


def _in_steps(advance: Callable[[int], None]) -> Progress:
    """Progress that is told the done and the whole each time, as steps of a bar of `_STEPS`."""
    shown = 0

    def show(done: int, total: int) -> None:
        nonlocal shown
        step = round(_STEPS * done / max(1, total)) - shown
        advance(step)
        shown += step

    return show


def _as_object(report: Report) -> dict[str, Any]:
    shown = asdict(report)
    shown["finished"] = rfc3339(shown.pop("finished_us")) if report.finished_us else None
    return {"is_intact": report.is_intact, **shown}


def _tell(report: Report) -> None:
    for finding in report.findings:
        place = f"block {finding.block}" if finding.block else "outside the blocks"
        click.echo(f"BROKEN, {place}: {finding.problem}")
    for what in report.not_checked:
        click.echo(f"NOT CHECKED: {what}")
    rate = report.rows / max(report.seconds, 1e-6)
    span = f"blocks {report.first_block} to {report.last_block}" if report.blocks else "no blocks"
    click.echo(
        f"{'Intact' if report.is_intact else 'Not intact'}: {span}, {report.rows} rows "
        f"in {report.seconds:.1f} s ({rate:,.0f} rows/s); {report.unsealed} rows not yet sealed."
    )


def _block(service: Registry, text: str | None, *, is_start: bool) -> int | None:
    if text is None:
        return None
    if text.isdecimal() and len(text) <= _MOST_DIGITS:
        return int(text)
    try:
        microseconds = parse_moment(text, is_end=not is_start)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is neither a block number nor a date.") from error
    if block := part(Verification, service).verifier().block_at(microseconds, is_start=is_start):
        return block
    raise click.BadParameter(f"No sealed block {'begins after' if is_start else 'ends before'} {text}.")
