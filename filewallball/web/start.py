"""`/`: where somebody who knows only the host finds everything else."""

from flask import Blueprint, Response, jsonify, render_template, request

blueprint = Blueprint("start", __name__, template_folder="templates")
_LINKS = {
    "docs": "/docs",
    "errors": "/docs/errors",
    "openapi": "/openapi.json",
    "health": "/health",
    "upload": "/upload",
    "files": "/files",
    "me": "/api/v1/access/me",
}


@blueprint.get("/")
def welcome() -> str | Response:
    """Links to the documentation, health and the main routes; as a page for whoever prefers HTML."""
    accepted = request.accept_mimetypes
    if accepted["text/html"] > accepted["application/json"]:
        return render_template("start.html", links=_LINKS)
    return jsonify(service="FileWallBall", links=_LINKS)
