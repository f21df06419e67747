"""Requests to one service: the token goes to it alone, refusals become errors, and what may be repeated is repeated."""

import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from filewallball_client.errors import Problem, Refused, SettingsError, Unreachable
from filewallball_client.retries import Patience, retry_after
from filewallball_client.settings import checked_token
from filewallball_client.version import __version__

# The last answer to an upload may wait for a virus scan; everything else comes at once or not at all.
_TIMEOUT = httpx.Timeout(10.0, read=120.0, write=60.0)
GONE = frozenset({404, 410})
Content = bytes | Iterable[bytes]


class Connection:
    """A service at `server`; `notify` is told in one sentence of each wait before another try."""

    def __init__(self, server: str, token: str, retry_seconds: float, notify: Callable[[str], None]) -> None:
        self.base_url = checked_server(server)
        self.token = checked_token(token)
        self._retry_seconds = retry_seconds
        self.notify = notify
        headers = {"User-Agent": f"fwb/{__version__}", "Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._http = httpx.Client(base_url=self.base_url, headers=headers, timeout=_TIMEOUT)

    def close(self) -> None:
        self._http.close()

    def patience(self) -> Patience:
        """Patience for one transfer or one question."""
        return Patience(self._retry_seconds)

    def ask(
        self,
        method: str,
        path: str,
        *,
        patience: Patience | None = None,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        """Send a request that may be repeated, until there is an answer.

        Raises Refused, and Unreachable once patience has run out.
        """
        patience = patience or self.patience()
        while True:
            try:
                return self.send(method, path, params=params, headers=headers, content=content)
            except (Refused, httpx.TransportError) as error:
                self.wait(patience, error)

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        content: Content | None = None,
    ) -> httpx.Response:
        """Send a request once. Raises Refused and httpx.TransportError."""
        with _readable():
            answer = self._http.request(method, path, params=params, headers=headers, content=content)
        refuse(answer)
        return answer

    @contextmanager
    def stream(self, path: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        """GET with a body that is read while it arrives. Raises Refused and httpx.TransportError."""
        with self._http.stream("GET", path, headers={"Accept": "*/*", **headers}) as answer:
            if answer.status_code >= 300:
                with _readable():
                    answer.read()
                refuse(answer)
            yield answer

    def wait(self, patience: Patience, error: Refused | httpx.TransportError) -> None:
        """Wait until another try makes sense. Raises `error`, in the words of this package, if none does."""
        asked = None
        if isinstance(error, Refused):
            if not error.is_passing:
                raise error
            asked = error.retry_after
        elif _is_hopeless(error):
            raise Unreachable(f"{self.base_url} cannot be reached: {_words(error)}") from error
        told = (
            str(error)
            if isinstance(error, Refused)
            else f"{self.base_url} cannot be reached: {_words(error)}"
        )
        try:
            self.pause(patience, told, asked)
        except Unreachable:
            if isinstance(error, Refused):
                raise error from None
            raise

    def pause(self, patience: Patience, told: str, asked: float | None = None) -> None:
        """Wait before another try and tell why. Raises Unreachable once patience has run out."""
        if not patience.wait(asked, lambda pause: self.notify(f"{told}; trying again in {pause:.1f} s")):
            raise Unreachable(told)


def checked_server(address: str) -> str:
    """The address of a service without a slash at its end. Raises SettingsError."""
    try:
        parts = urlsplit(address)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        httpx.URL(address)
    except (ValueError, httpx.InvalidURL) as error:
        raise SettingsError("The server's address cannot be read.") from error
    if not is_usable or parts.query or parts.fragment:
        raise SettingsError(
            "The server's address must read http://host or https://host, with a path at most."
        )
    if parts.username is not None or parts.password is not None:
        raise SettingsError("The server's address must not hold credentials; give the token by FWB_TOKEN.")
    return address.rstrip("/")


def file_path(file_id: str, verb: str = "files") -> str:
    """Where the service has a file."""
    return f"/{verb}/{quote(file_id, safe='')}"


@contextmanager
def _readable() -> Iterator[None]:
    """Take an answer that is not coded as it says, as a proxy may send one, for a failure of the network."""
    try:
        yield
    except httpx.DecodingError as error:
        raise httpx.RemoteProtocolError("the answer cannot be decoded") from error


def json_of(answer: httpx.Response) -> Any:
    """The JSON of a successful answer. Raises Unreachable if it is none: then not the service answered."""
    try:
        return answer.json()
    except ValueError as error:
        raise Unreachable("The answer does not come from a FileWallBall service.") from error


def refuse(answer: httpx.Response) -> None:
    """Raise Refused for an answer that is not a success."""
    if answer.status_code < 300:
        return
    if answer.has_redirect_location:
        raise Refused(
            Problem(answer.status_code, "The service is elsewhere", f"It names {answer.headers['Location']}")
        )
    raise Refused(_problem(answer), retry_after(answer))


def _problem(answer: httpx.Response) -> Problem:
    body: Any = None
    with suppress(ValueError):
        body = answer.json()
    body = body if isinstance(body, dict) else {}
    texts = {name: body[name] for name in ("title", "detail", "code") if isinstance(body.get(name), str)}
    errors = body.get("errors")
    return Problem(
        status=answer.status_code,
        title=texts.get("title") or answer.reason_phrase or f"Status {answer.status_code}",
        detail=texts.get("detail", ""),
        code=texts.get("code", ""),
        request_id=answer.headers.get("X-Request-ID", "")[:200],
        errors=errors if isinstance(errors, dict) else {},
    )


def _is_hopeless(error: httpx.TransportError) -> bool:
    """True for what no later try changes: a certificate that is not trusted, a protocol that is not spoken."""
    return any(isinstance(each, ssl.SSLError | httpx.UnsupportedProtocol) for each in _causes(error))


def _words(error: httpx.TransportError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "no connection in time" if isinstance(error, httpx.ConnectTimeout) else "no answer in time"
    told = (each.strerror for each in _causes(error) if isinstance(each, OSError) and each.strerror)
    return next(told, "") or str(error) or type(error).__name__


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
