"""Query parameters: those of the route, once each, and those that others append to links."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from apispec.ext.marshmallow.common import resolve_schema_instance
from werkzeug.datastructures import MultiDict

from filewallball.errors import ValidationFailed
from filewallball.text import nearly

Parameters = MultiDict[str, str]
_APPENDED = re.compile(
    r"(?:utm|mtm|pk)_.*|(?:fb|g|d|tt|tw|y|ys)clid|msclkid|gbraid|wbraid|gad_(?:source|campaignid)|srsltid"
    r"|igsh(?:id)?|mibextid|epik|li_fat_id|mc_[ce]id|mkt_tok|_hs(?:enc|mi)|_g[al]|__cf_chl_.*|_",
    re.ASCII | re.IGNORECASE,
)


def own(parameters: Parameters) -> Parameters:
    """Without what campaigns, social networks and cache busters append: it means nothing here."""
    if not any(map(_APPENDED.fullmatch, parameters)):
        return parameters
    return MultiDict(
        (name, value) for name, value in parameters.items(multi=True) if not _APPENDED.fullmatch(name)
    )


def refuse_repeated(parameters: Parameters) -> None:
    """Refuse a parameter that is given twice: whoever else reads the request might take the other value."""
    repeated = [name for name, values in own(parameters).lists() if len(values) > 1]
    if repeated:
        raise ValidationFailed(errors={name: ["Send this once."] for name in repeated})


def refuse_mistakes(parameters: Parameters, known: Collection[str]) -> None:
    """Refuse a known parameter that is given twice or misspelt, on links: what else they carry means nothing."""
    mistakes = {}
    for name, values in own(parameters).lists():
        if name in known and len(values) > 1:
            mistakes[name] = ["Send this once."]
        elif name not in known and nearly(name.lower(), known):
            mistakes[name] = ["This takes no such parameter."]
    if mistakes:
        raise ValidationFailed(errors=mistakes)


def refuse_any(parameters: Parameters, *, takes_json: bool) -> None:
    """Refuse every parameter, where a route takes none: what it asks for would not be done."""
    told = "Belongs into the JSON body, if anywhere." if takes_json else "This takes no such parameter."
    if unexpected := own(parameters):
        raise ValidationFailed(errors={name: [told] for name in unexpected})


def locations(view: Any) -> dict[str, frozenset[str]]:
    """The locations of a view's arguments, `query` or `json`, and their names, as flask-smorest noted them."""
    noted: Mapping[str, Any] = getattr(view, "_apidoc", {}).get("arguments", {})
    found = {}
    for parameter in noted.get("parameters", ()):
        schema = resolve_schema_instance(parameter["schema"])
        found[parameter["in"]] = frozenset(field.data_key or name for name, field in schema.fields.items())
    return found
