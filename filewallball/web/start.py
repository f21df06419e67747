"""`/`: where somebody who knows only the host finds everything else."""

from flask import Blueprint, Response, jsonify, redirect, request
from werkzeug.wrappers import Response as Redirect

blueprint = Blueprint("start", __name__)
_LINKS = {
    "console": "/console/",
    "docs": "/docs",
    "errors": "/docs/errors",
    "openapi": "/openapi.json",
    "health": "/health",
    "upload": "/upload",
    "files": "/files",
    "me": "/api/v1/access/me",
}


@blueprint.get("/")
def welcome() -> Response | Redirect:
    """The console for browsers; for programs, links to the documentation, health and the main routes."""
    accepted = request.accept_mimetypes
    if accepted["text/html"] > accepted["application/json"]:
        answer: Response | Redirect = redirect(
            "console/"
        )  # relative: a proxy may put the service below a path
    else:
        answer = jsonify(service="FileWallBall", links=_LINKS)
    answer.headers["Vary"] = "Accept"
    return answer
