"""The commands of `fwb`: each returns what failed of several files, and raises what leaves no sense in going on."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import httpx

from filewallball_client.client import Client
from filewallball_client.errors import (
    ClientError,
    LocalError,
    OutcomeUnknown,
    SettingsError,
    Unreachable,
)
from filewallball_client.naming import read_reference, safe_name
from filewallball_client.records import UploadedFile
from filewallball_client.settings import Settings
from filewallball_client.terminal import Terminal

Failures = Sequence[ClientError]
_STDIN = Path("-")


class Session:
    """The tools of a command: settings, the terminal, and clients of the servers that it is asked about."""

    def __init__(self, settings: Settings, terminal: Terminal, retry_seconds: float) -> None:
        self.settings = settings
        self.terminal = terminal
        self._retry_seconds = retry_seconds

    def client(self, server: str = "") -> Client:
        """A client of the configured service, or of another one, which does not get the token."""
        own = self.settings.server
        if not server and not own:
            raise SettingsError("Which service? Set FWB_SERVER or give --server.")
        is_own = not server or (bool(own) and _same(own, server))
        if not is_own and self.settings.token:
            self.terminal.say(f"{server} is another service than FWB_SERVER: it is asked without the token")
        return Client(
            own if is_own else server,
            token=self.settings.token if is_own else "",
            state_folder=self.settings.state_folder,
            retry_seconds=self._retry_seconds,
            notify=self.terminal.say,
        )

    def each(self, items: Iterator[Any] | Sequence[Any], act: Callable[[Any], None]) -> Failures:
        """Do it for each. A failure that concerns one alone is told, and the others go on."""
        failures: list[ClientError] = []
        for item in items:
            try:
                act(item)
            except (Unreachable, SettingsError, OutcomeUnknown):
                raise
            except ClientError as error:
                failures.append(error)
                self.terminal.fail("standard input" if item == _STDIN else str(item), error)
        return failures


def upload(session: Session, options: argparse.Namespace) -> Failures:
    """`fwb upload FILE…`"""
    unread: list[ClientError] = []
    paths = list(_expanded(options.paths, unread, session.terminal.say))
    if options.name and len(paths) != 1:
        raise SettingsError("--name is for one file.")
    if _STDIN in paths and not options.name:
        raise SettingsError("Standard input needs a --name.")
    for error in unread:
        session.terminal.say(str(error))

    with session.client() as client:

        def send(path: Path) -> None:
            with session.terminal.progress(options.name or path.name) as progress:
                uploaded = client.upload(
                    sys.stdin.buffer if path == _STDIN else path,
                    name=options.name,
                    visibility=options.visibility,
                    expires_in=options.expires,
                    description=options.description,
                    progress=progress,
                    reading=partial(progress, label="reading"),
                )
            _tell_uploaded(session, client, path, uploaded)

        return [*unread, *session.each(paths, send)]


def get(session: Session, options: argparse.Namespace) -> Failures:
    """`fwb get URL-or-ID…`"""
    references = options.references
    if len(references) > 1 and options.output and not Path(options.output).is_dir():
        raise SettingsError("Of several files -o must be a folder.")

    def fetch(reference: str) -> None:
        server, file_id = read_reference(reference)
        with session.client(server) as client:
            file = client.describe(file_id)
            name = safe_name(file.filename, file.file_id)
            with session.terminal.progress(name) as progress:
                if options.output == "-":
                    client.read_into(file_id, sys.stdout.buffer, progress=progress)
                    return
                path = _target(options.output, name)
                if not options.force and os.path.lexists(path):
                    raise LocalError(f"{path}: exists already; --force replaces it")
                client.download(file_id, path, overwrite=options.force, progress=progress)
        session.terminal.result(str(path), {**asdict(file), "path": str(path)})

    return session.each(references, fetch)


def ls(session: Session, options: argparse.Namespace) -> Failures:
    """`fwb ls`"""
    with session.client() as client:
        found = client.files(name=options.name, media_type=options.type)
        files = list(islice(found, options.limit or None))
        is_all = next(found, None) is None if options.limit else True
    if session.terminal.as_json:
        for file in files:
            session.terminal.result("", asdict(file))
    else:
        session.terminal.listing(files)
    if not is_all:
        session.terminal.say(f"There are more than {options.limit}: --limit 0 lists all.")
    return []


def rm(session: Session, options: argparse.Namespace) -> Failures:
    """`fwb rm URL-or-ID…`"""

    def delete(reference: str) -> None:
        server, file_id = read_reference(reference)
        with session.client(server) as client:
            client.delete(file_id, delete_token=session.settings.delete_token or client.delete_token(file_id))
            client.forget_delete_token(file_id)
        session.terminal.result(f"deleted {file_id}", {"file_id": file_id, "deleted": True})

    return session.each(options.references, delete)


def info(session: Session, options: argparse.Namespace) -> Failures:
    """`fwb info URL-or-ID…`"""

    def tell(reference: str) -> None:
        server, file_id = read_reference(reference)
        with session.client(server) as client:
            record = asdict(client.describe(file_id))
        if session.terminal.as_json:
            session.terminal.result("", record)
            return
        for name, value in record.items():
            session.terminal.result(f"{name}: {'' if value is None else value}", {})

    return session.each(options.references, tell)


def _tell_uploaded(session: Session, client: Client, path: Path, uploaded: UploadedFile) -> None:
    session.terminal.result(uploaded.download_url, {**asdict(uploaded), "path": str(path)})
    if uploaded.is_quarantined:
        reasons = f" ({', '.join(uploaded.quarantine_reasons)})" if uploaded.quarantine_reasons else ""
        session.terminal.say(f"{path}: is in quarantine{reasons}; it is not served until it is released")
    if uploaded.delete_token and not client.keep_delete_token(uploaded):
        session.terminal.say(f"{path}: the token to delete it cannot be kept here: {uploaded.delete_token}")


def _expanded(
    paths: Sequence[Path], unread: list[ClientError], say: Callable[[str], object]
) -> Iterator[Path]:
    """Files, and of folders all that they hold. Links inside a folder may lead out of it: they are left out, and so is
    what is neither file nor folder."""
    for path in paths:
        if path == _STDIN or not path.is_dir():
            yield path
            continue
        for folder, names, files in os.walk(path, onerror=lambda error: unread.append(_unread(error))):
            names.sort()
            links = [name for name in names if (Path(folder) / name).is_symlink()]
            for name in sorted([*files, *links]):
                each = Path(folder) / name
                if each.is_symlink():
                    say(f"{each}: is a symbolic link, and was left out")
                elif each.is_file():
                    yield each
                else:
                    say(f"{each}: is no regular file, and was left out")


def _unread(error: OSError) -> LocalError:
    return LocalError(f"{error.filename}: {error.strerror}")


def _target(output: str, name: str) -> Path:
    """Where a download goes: into a folder under its own name, else to the path that was given."""
    if not output:
        return Path(name)
    return Path(output) / name if output.endswith("/") or Path(output).is_dir() else Path(output)


def _same(server: str, other: str) -> bool:
    with suppress(httpx.InvalidURL):
        return httpx.URL(server.rstrip("/")) == httpx.URL(other)
    return False
