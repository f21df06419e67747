"""The yardstick: a Flask view that only saves or sends a file, with nothing seen, counted or proven."""

import os
import shutil
from pathlib import Path
from uuid import uuid4

from flask import Flask, Response, request, send_file

app = Flask(__name__)
app.config.from_prefixed_env("BARE")
FOLDER = Path(app.config["FOLDER"])
SYNC = bool(app.config.get("SYNC"))
X_ACCEL = bool(app.config.get("X_ACCEL"))


@app.get("/health/live")
def live() -> dict[str, str]:
    return {"status": "alive"}


@app.post("/upload")
def post() -> dict[str, str]:
    name = uuid4().hex
    request.files["file"].save(FOLDER / name)
    return _kept(name)


@app.put("/upload/<_filename>")
def put(_filename: str) -> dict[str, str]:
    name = uuid4().hex
    with (FOLDER / name).open("wb") as file:
        shutil.copyfileobj(request.stream, file)
    return _kept(name)


@app.get("/download/<name>")
def download(name: str) -> Response:
    if X_ACCEL:
        return Response(
            headers={"X-Accel-Redirect": f"/_blobs/{name}", "Content-Type": "application/octet-stream"}
        )
    return send_file(FOLDER / name, mimetype="application/octet-stream")


def _kept(name: str) -> dict[str, str]:
    if SYNC:
        fd = os.open(FOLDER / name, os.O_RDONLY)
        os.fsync(fd)
        os.close(fd)
        folder = os.open(FOLDER, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    return {"file_id": name}
