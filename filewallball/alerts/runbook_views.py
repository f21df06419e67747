"""`/runbook`: what each alert means and what to do about it, as a page and as JSON."""

from typing import Any

from flask import Blueprint, Response, jsonify, render_template

from filewallball.alerts.runbook import sections

# Its own style sheet, and nothing from elsewhere.
_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

blueprint = Blueprint(
    "runbook",
    __name__,
    static_folder="static",
    static_url_path="/runbook/static",
    template_folder="templates",
)


@blueprint.get("/runbook")
def page() -> str:
    """The runbook as a page: what each alert means, what to check, what to do; `#` and its name lead to an alert."""
    return render_template("runbook.html", sections=sections())


@blueprint.get("/runbook.json")
def as_json() -> Response:
    """The sections of the runbook, as Markdown and as HTML."""
    return jsonify(sections=[_shown(section) for section in sections()])


@blueprint.after_request
def restrict(response: Response) -> Response:
    """Forbid content from elsewhere, and framing."""
    response.headers["Content-Security-Policy"] = _POLICY
    return response


def _shown(section: Any) -> dict[str, Any]:
    return {
        "name": section.name,
        "anchor": section.anchor,
        "alert": section.name if section.is_of_alert else None,
        "level": section.level,
        "text": section.text,
        "html": section.html,
    }
