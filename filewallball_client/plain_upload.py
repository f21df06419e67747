"""An upload in one request, repeated only where it cannot make a second file."""

import base64
import mimetypes
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import quote, urlencode

import httpx

from filewallball_client.connection import Connection, json_of
from filewallball_client.errors import OutcomeUnknown, Refused, Unreachable
from filewallball_client.retries import Patience
from filewallball_client.sources import Sent, Source
from filewallball_client.state import Remembered

_UNANSWERED = frozenset({502, 504})
"""A proxy's statuses: the service may have had the request, or not."""
KEY = "Idempotency-Key"


def put(
    connection: Connection,
    source: Source,
    options: Mapping[str, str],
    remembered: Remembered,
    sent: Sent,
) -> httpx.Response:
    """The answer to `PUT /upload/{filename}`.

    A lost answer is asked for again under the same Idempotency-Key where the service keeps keys. Raises Refused,
    Unreachable, and OutcomeUnknown for an answer that is lost for good.
    """
    patience, upload = connection.patience(), remembered.upload
    headers = {
        "Content-Length": str(source.size),
        "Content-Type": media_type(source.name),
        "Repr-Digest": f"sha-256=:{base64.b64encode(bytes.fromhex(upload.sha256)).decode()}:",
        KEY: upload.key,
    }
    while True:
        taken = _Taken(sent, patience)
        try:
            body = source.blocks(0, taken)
            return connection.send("PUT", target(source, options), headers=headers, content=body)
        except (Refused, httpx.TransportError) as error:
            if taken.position == source.size and _may_have_been_done(error):
                _require_keys(connection, error)
            connection.wait(patience, error)


class _Taken:
    """The bytes of the body that were given to the network: without all of it the service stores nothing."""

    def __init__(self, sent: Sent, patience: Patience) -> None:
        self._sent = sent
        self._patience = patience
        self.position = 0

    def __call__(self, position: int) -> None:
        self.position = position
        self._sent(position)
        self._patience.moving()


def keeps_keys(connection: Connection) -> bool:
    """True if the service documents that it heeds an Idempotency-Key. Raises Unreachable."""
    try:
        document = json_of(connection.ask("GET", "/openapi.json"))
        parameters = document["paths"]["/upload/{filename}"]["put"]["parameters"]
        return any(each.get("name") == KEY for each in parameters)
    except (Refused, KeyError, TypeError, AttributeError):
        return False


def target(source: Source, options: Mapping[str, str]) -> str:
    """The request's target."""
    path = f"/upload/{quote(source.utf8_name, safe='')}"
    return f"{path}?{urlencode(options, quote_via=quote)}" if options else path


def media_type(name: str) -> str:
    """The type to claim for a file of this name; not that inside what is compressed."""
    guessed, encoding = mimetypes.guess_type(name)
    return "application/octet-stream" if guessed is None or encoding else guessed


def _may_have_been_done(error: Refused | httpx.TransportError) -> bool:
    if isinstance(error, Refused):
        return error.problem.status in _UNANSWERED or error.problem.code == "commit_unknown"
    return not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)


def _require_keys(connection: Connection, cause: Exception) -> None:
    """Raise OutcomeUnknown if another try could make a second file, or if that cannot be found out."""
    with suppress(Unreachable):
        if keeps_keys(connection):
            return
    raise OutcomeUnknown(
        f"The answer was lost ({cause}): look whether the file is there before sending it again."
    ) from cause
