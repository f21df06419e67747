"""Query parameters: those of the route, once each, and those that others append to links."""

import re
from collections.abc import Mapping
from typing import Any

from werkzeug.datastructures import MultiDict

from filewallball.errors import ValidationFailed

Parameters = MultiDict[str, str]
_APPENDED = re.compile(
    r"utm_[a-z_]+|(?:fb|g|d|tt|tw|y)clid|msclkid|gbraid|wbraid|gad_(?:source|campaignid)|srsltid|igsh(?:id)?"
    r"|li_fat_id|mc_[ce]id|mkt_tok|_hs(?:enc|mi)|_g[al]|_"
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


def refuse_any(parameters: Parameters, *, takes_json: bool) -> None:
    """Refuse every parameter, where a route takes none: what it asks for would not be done."""
    told = "Belongs into the JSON body, if anywhere." if takes_json else "This takes no such parameter."
    if unexpected := own(parameters):
        raise ValidationFailed(errors={name: [told] for name in unexpected})


def locations(view: Any) -> set[str]:
    """The locations from which a view's arguments are read, as flask-smorest has noted them: `query`, `json`."""
    noted: Mapping[str, Any] = getattr(view, "_apidoc", {}).get("arguments", {})
    return {parameter["in"] for parameter in noted.get("parameters", ())}
