"""Flask without what this service never uses and every request would pay for."""

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn, cast

from flask import Flask, Request, Response, request
from flask.helpers import _split_blueprint_path
from flask.sessions import NullSession, SessionInterface
from flask.typing import ResponseReturnValue
from werkzeug.routing import Rule

from filewallball.web.cycle import Cycle, LateRequest
from filewallball.web.routing import LateRule, RelativeMap, Shortcuts

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


AfterRequest = Callable[[Any], Any]
_OVERRIDE = "HTTP_X_HTTP_METHOD_OVERRIDE"
_OVERRIDABLE = "/uploads"
_KEPT = "werkzeug.debug.preserve_context"  # by Flask's test client, for who looks at contexts afterwards
_METHODS = ("HEAD", "POST", "PATCH", "DELETE")


class _NoSessions(SessionInterface):
    """A session interface that keeps nothing: the service sets no cookies."""

    _none = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:
        return self._none


class Application(Flask):
    """No view or hook here is a coroutine, most requests meet no hook at all, and most are for `/word/<value>`."""

    request_class = LateRequest
    session_interface = _NoSessions()
    url_rule_class = LateRule
    url_map_class = RelativeMap
    count_unrouted: Callable[[], None] = staticmethod(lambda: None)
    count_options: Callable[[Rule | None, str], None] = staticmethod(lambda rule, announced: None)
    """Called before a request without a route, or an OPTIONS, is answered; either may raise to refuse it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._hooks: dict[str, tuple[AfterRequest, ...]] = {}
        self.screen: Callable[[], None] = lambda: None
        """Called before each request, to raise what refuses it."""

    def wsgi_app(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ.get(_OVERRIDE, "").upper() in _METHODS and environ["PATH_INFO"].startswith(_OVERRIDABLE):
            start_response = overridden(environ, start_response)
        self._got_first_request = True
        if _KEPT in environ:
            return super().wsgi_app(environ, start_response)
        return Cycle(self, environ).run(start_response)

    def raise_routing_exception(self, request: Request) -> NoReturn:
        self.count_unrouted()
        super().raise_routing_exception(request)

    def make_default_options_response(self) -> Response:
        self.count_options(request.url_rule, request.headers.get("Access-Control-Request-Method", ""))
        return super().make_default_options_response()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func

    def preprocess_request(self) -> ResponseReturnValue | None:
        self.screen()
        if self.before_request_funcs or self.url_value_preprocessors:
            return super().preprocess_request()
        return None

    def hooks_after(self, rule: Rule | None) -> tuple[AfterRequest, ...]:
        """The functions that an answer goes through, in Flask's order; none are added once the service serves."""
        endpoint = rule.endpoint if rule is not None else ""
        if endpoint not in self._hooks:
            blueprint = endpoint.rpartition(".")[0]
            names = (*(_split_blueprint_path(blueprint) if blueprint else ()), None)
            found = [hook for name in names for hook in reversed(self.after_request_funcs.get(name, ()))]
            self._hooks[endpoint] = tuple(found)
        return self._hooks[endpoint]

    @cached_property
    def shortcuts(self) -> Shortcuts:
        return Shortcuts.of(self.url_map)


def overridden(environ: "WSGIEnvironment", start_response: "StartResponse") -> "StartResponse":
    """Make the method the one of X-HTTP-Method-Override, as tus has it for clients that can send few methods.

    Returns the function to answer by: to the server the method stays what it was, so after a HEAD that is none it is
    told that there is no body.
    """
    before, method = environ["REQUEST_METHOD"], environ[_OVERRIDE].upper()
    environ["REQUEST_METHOD"] = method
    if method != "HEAD" or before == "HEAD":
        return start_response

    def start_empty(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
        kept = [pair for pair in headers if pair[0].lower() != "content-length"]
        return start_response(status, [*kept, ("Content-Length", "0")], *exc_info)

    return cast("StartResponse", start_empty)
