"""A request's way through Flask without what has no effect here: sessions, signals, and looking for hooks each time.

Views, hooks, errors and contexts are Flask's. `python -m benchmarks.shortcuts`: with the shortcut to rules, a download
in one process takes 27 % less processor time. To be rid of it, have `wsgi_app` in `web/app.py` call `super().wsgi_app`
alone, and remove this file.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flask import Request, Response
from flask.ctx import AppContext, RequestContext
from flask.globals import _cv_app, _cv_request
from flask.sessions import NullSession
from werkzeug.datastructures import EnvironHeaders
from werkzeug.routing import MapAdapter

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from filewallball.web.app import Application

_READ_LATE = frozenset(("scheme", "server", "root_path", "path", "query_string", "remote_addr"))
_NO_SESSION = NullSession()


class _AppContext(AppContext):
    def __init__(self, app: "Application") -> None:
        self.app = app
        self.url_adapter = None
        self.g = app.app_ctx_globals_class()
        self._cv_tokens = []


class LateRequest(Request):
    """A request of which werkzeug reads what few views ask for when the first does."""

    def __init__(
        self, environ: "WSGIEnvironment", populate_request: bool = True, shallow: bool = False
    ) -> None:
        self.environ, self.shallow = environ, shallow
        self.method = environ["REQUEST_METHOD"].upper()
        self.headers = EnvironHeaders(environ)
        if populate_request and not shallow:
            environ["werkzeug.request"] = self

    def __getattr__(self, name: str) -> Any:
        if name not in _READ_LATE:
            raise AttributeError(name)
        super().__init__(self.environ, populate_request=False, shallow=self.shallow)
        return self.__dict__[name]


class Cycle(RequestContext):
    """The context of one request; `run` answers it, once."""

    app: "Application"

    def __init__(self, app: "Application", environ: "WSGIEnvironment") -> None:
        self.app = app
        self.request = app.request_class(environ)
        self.request.json_module = app.json
        self.flashes = None
        self._session = _NO_SESSION
        self._after_request_functions = []
        self._cv_tokens = []

    @cached_property
    def url_adapter(self) -> MapAdapter | None:  # type: ignore[override]
        """Made only where werkzeug is to search, or somebody builds an address."""
        return self.app.create_url_adapter(self.request)

    def run(self, start_response: "StartResponse") -> Iterable[bytes]:
        """Answer the request."""
        app, request, environ = self.app, self.request, self.request.environ
        of_app, of_request = _cv_app.set(_AppContext(app)), _cv_request.set(self)
        try:
            try:
                response = self._answer()
            except Exception as error:
                response = app.handle_exception(error)
            return response(environ, start_response)
        finally:
            if "files" in request.__dict__:
                request.close()
            environ["werkzeug.request"] = None  # it refers to the environment, which refers to it
            _cv_request.reset(of_request)
            _cv_app.reset(of_app)

    def _answer(self) -> Response:
        app, request = self.app, self.request
        found = app.shortcuts.find(request.environ)
        if found is not None:
            request.url_rule, request.view_args = found
        else:
            self.match_request()
        try:
            result = app.preprocess_request()
            if result is None:
                result = self._dispatched()
        except Exception as error:
            result = app.handle_user_exception(error)
        response = app.make_response(result)
        if self._after_request_functions:
            return app.process_response(response)
        for hook in app.hooks_after(request.url_rule):
            response = hook(response)
        return response

    def _dispatched(self) -> Any:
        app, request = self.app, self.request
        rule = request.url_rule
        if request.routing_exception is not None or rule is None or request.method == "OPTIONS":
            return app.dispatch_request()
        return app.view_functions[rule.endpoint](**(request.view_args or {}))
