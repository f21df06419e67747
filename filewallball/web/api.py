"""The extension that knows the API's routes and schemas, unbound; `create_app` binds it."""

import json
from collections import Counter
from typing import Any

import flask_smorest
from apispec.ext.marshmallow.common import resolve_schema_instance
from marshmallow import RAISE, missing
from webargs.flaskparser import FlaskParser

from filewallball.errors import BadRequest, UnsupportedMediaType, ValidationFailed
from filewallball.web.parameters import own


class ProblemApi(flask_smorest.Api):
    """flask-smorest without its own error handler, which would drop Allow, Content-Range and Retry-After."""

    def _register_error_handlers(self) -> None:
        """Register none: `web.problems` renders every error."""


class StrictParser(FlaskParser):
    """Unknown query parameters are refused: a misspelled filter must not answer with everything. So are deep JSON, a
    key that an object holds twice, and a body of another type where JSON is read: ignoring it would do something else
    than what it asks for."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {  # noqa: RUF012 - as the library declares it
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": RAISE,
    }

    def load_querystring(self, req: Any, schema: Any) -> Any:
        return self._makeproxy(own(req.args), schema)

    def load_json(self, req: Any, schema: Any) -> Any:
        if not req.is_json and (req.content_length or "HTTP_TRANSFER_ENCODING" in req.environ):
            raise UnsupportedMediaType
        try:
            return super().load_json(req, schema)
        except RecursionError as error:
            raise BadRequest("The JSON body is nested too deeply.") from error

    def _raw_load_json(self, req: Any) -> Any:
        return json.loads(req.get_data().decode(), object_pairs_hook=_object) if req.is_json else missing


class Blueprint(flask_smorest.Blueprint):
    """Routes whose parameters are parsed strictly."""

    ARGUMENTS_PARSER = StrictParser()

    def arguments(self, schema: Any, **options: Any) -> Any:
        """As flask-smorest's, with one instance of the schema for all requests: webargs makes one for each."""
        return super().arguments(resolve_schema_instance(schema), **options)


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
