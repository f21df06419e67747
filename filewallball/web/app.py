"""Flask without what this service never uses and every request would pay for."""

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any, NoReturn

from flask import Flask, Request, Response, request
from flask.sessions import NullSession, SessionInterface
from flask.typing import ResponseReturnValue
from werkzeug.routing import MapAdapter, Rule

from filewallball.web.routing import Found, RelativeMap, Shortcuts


class _NoSessions(SessionInterface):
    """A session interface that keeps nothing: the service sets no cookies."""

    _none = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:
        return self._none


class Application(Flask):
    """No view or hook here is a coroutine, most requests meet no hook at all, and most are for `/word/<value>`."""

    session_interface = _NoSessions()
    url_map_class = RelativeMap
    count_unrouted: Callable[[], None] = staticmethod(lambda: None)
    count_options: Callable[[Rule | None, str], None] = staticmethod(lambda rule, announced: None)
    """Called before a request without a route, or an OPTIONS, is answered; either may raise to refuse it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.screen: Callable[[], None] = lambda: None
        """Called before each request, to raise what refuses it."""

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

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        whole = partial(super().create_url_adapter, request)
        found = self._shortcuts.find(request.environ) if request is not None else None
        return whole() if found is None else Found(found, whole)

    @cached_property
    def _shortcuts(self) -> Shortcuts:
        return Shortcuts.of(self.url_map)
