"""The extension that knows the API's routes and schemas, unbound; `create_app` binds it."""

import json
import threading
from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import Any

import flask_smorest
import orjson
from apispec.ext.marshmallow.common import resolve_schema_instance
from flask import Response
from flask.views import MethodView
from marshmallow import RAISE, Schema, missing
from webargs.flaskparser import FlaskParser

from filewallball.errors import BadRequest, UnsupportedMediaType, ValidationFailed
from filewallball.web.exchange import current_request
from filewallball.web.parameters import own

View = Callable[..., Any]


class ProblemApi(flask_smorest.Api):
    """flask-smorest without its own error handler, which would drop Allow, Content-Range and Retry-After.

    The routes are described when somebody first asks for the description: that takes as long as the rest of
    `create_app`, and most processes are never asked.
    """

    def __init__(self) -> None:
        super().__init__()
        self.spec: Any = None
        self._blueprints: list[flask_smorest.Blueprint] = []
        self._describing = threading.Lock()

    def register_blueprint(self, blueprint: flask_smorest.Blueprint) -> None:
        """Register its routes with the application."""
        self._app.register_blueprint(blueprint)
        self._blueprints.append(blueprint)

    def _init_spec(self, **options: Any) -> None:
        """Remember how, for `_describe`."""
        self.spec, self._blueprints, self._spec_options = None, [], options

    def _openapi_json(self) -> Response:
        with self._describing:
            if self.spec is None:
                self._describe()
        answer: Response = super()._openapi_json()
        return answer

    def _describe(self) -> None:
        """Make the description of every route registered so far."""
        super()._init_spec(**self._spec_options)
        for blueprint in self._blueprints:
            blueprint.register_views_in_doc(self, self._app, self.spec, name=blueprint.name, parameters=None)
            self.spec.tag({"name": blueprint.name, "description": blueprint.description})

    def _register_error_handlers(self) -> None:
        """Register none: `web.problems` renders every error."""


class StrictParser(FlaskParser):
    """Unknown query parameters are refused: a misspelled filter must not answer with everything. So are a key that a
    JSON object holds twice, and a body of another type where JSON is read: ignoring it would do something else than
    what it asks for. JSON is what RFC 8259 calls JSON: UTF-8 without a byte order mark, no NaN, no lone surrogate,
    at most 1,024 levels, no number beyond a double."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {  # noqa: RUF012 - as the library declares it
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": RAISE,
    }

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._may_be_left_out: dict[Any, bool] = {}

    def parse(self, argmap: Any, req: Any = None, *, location: str | None = None, **options: Any) -> Any:
        """Load what was sent; of an empty query nothing, at once, where the schema has neither defaults nor
        required fields (a twentieth of an upload's time)."""
        if (
            location == "query"
            and not current_request().environ.get("QUERY_STRING")
            and self._is_optional(argmap)
        ):
            return {}
        return super().parse(argmap, req, location=location, **options)

    def _is_optional(self, schema: Any) -> bool:
        known = self._may_be_left_out.get(schema)
        if known is None:
            known = isinstance(schema, Schema) and not schema.validate({}) and not schema.load({})
            self._may_be_left_out[schema] = known
        return known

    def load_querystring(self, req: Any, schema: Any) -> Any:
        return self._makeproxy(own(req.args), schema)

    def load_json(self, req: Any, schema: Any) -> Any:
        if not req.is_json and (req.content_length or "HTTP_TRANSFER_ENCODING" in req.environ):
            raise UnsupportedMediaType
        return super().load_json(req, schema)

    def _raw_load_json(self, req: Any) -> Any:
        if not req.is_json:
            return missing
        data = req.get_data()
        if not data:
            return missing
        try:
            body = json.loads(data.decode(), object_pairs_hook=_object)
        except RecursionError as error:
            raise BadRequest("The JSON body is nested too deeply.") from error
        except ValueError as error:  # also for an integer of more digits than Python reads
            raise BadRequest("The JSON body is malformed.") from error
        _refuse_extensions(data)
        return body


class DirectView(MethodView):
    """A view whose methods are called without looking for them, for the routes that are asked most."""

    init_every_request = False

    @classmethod
    def as_view(cls, name: str, *arguments: Any, **options: Any) -> View:
        """The view function, as Flask describes it."""
        stock = super().as_view(name, *arguments, **options)
        view = cls(*arguments, **options)
        methods = {method: getattr(view, method.lower()) for method in cls.methods or ()}
        methods.setdefault("HEAD", methods.get("GET"))

        @wraps(stock)
        def call(**values: Any) -> Any:
            return methods[current_request().method](**values)

        return call


class Blueprint(flask_smorest.Blueprint):
    """Routes whose parameters are parsed strictly."""

    ARGUMENTS_PARSER = StrictParser()

    @staticmethod
    def doc(**about: Any) -> Callable[[View], View]:
        """As flask-smorest's, but the view itself keeps the description: no function more to call for each request."""

        def decorate(view: View) -> View:
            described = flask_smorest.Blueprint.doc(**about)(view)
            view._apidoc = described._apidoc  # type: ignore[attr-defined]
            return view

        return decorate

    def arguments(self, schema: Any, **options: Any) -> Any:
        """As flask-smorest's, with one instance of the schema for all requests: webargs makes one for each. The view
        itself keeps the description."""
        schema = resolve_schema_instance(schema)
        describe = super().arguments(schema, **options)

        def decorate(view: View) -> View:
            found: View = self.ARGUMENTS_PARSER.use_args(schema, **{"location": "json", **options})(view)
            found._apidoc = describe(view)._apidoc  # type: ignore[attr-defined]
            return found

        return decorate

    def response(self, *about: Any, **options: Any) -> Any:
        """As flask-smorest's, which is passed by where a view has made its response."""
        describe = super().response(*about, **options)

        def decorate(view: View) -> View:
            @wraps(view)
            def given(answer: Any) -> Any:
                return answer

            stock = describe(given)

            @wraps(stock)
            def run(*arguments: Any, **values: Any) -> Any:
                answer = view(*arguments, **values)
                return answer if isinstance(answer, Response) else stock(answer)

            return run

        return decorate


def _refuse_extensions(data: bytes) -> None:
    """Raise ValidationFailed for what Python reads although RFC 8259 has no such thing."""
    try:
        orjson.loads(data)  # strict; but it keeps the last value of a repeated key, and rounds large integers
    except orjson.JSONDecodeError as error:
        raise ValidationFailed(f"The JSON body is not valid: {error.msg}.") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object. Raises ValidationFailed for a key that it holds twice, of which others may read the other."""
    found = dict(pairs)
    if len(found) < len(pairs):
        counted = Counter(name for name, _ in pairs)
        raise ValidationFailed(
            errors={name: ["Send this once."] for name, count in counted.items() if count > 1}
        )
    return found


api: Any = ProblemApi()
