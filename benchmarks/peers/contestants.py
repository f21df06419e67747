"""The servers that are compared: how each is started, takes a file, and names it afterwards."""

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.servers import bare_view, behind_nginx, running
from benchmarks.wrk import MARK, form_request, put_request
from harness.servers import Copyparty, Front, Nginx, SeaweedFS, Service
from harness.servers.base import Server

WORKERS, THREADS = 2, 8
"""Of the bare view; those of this service are its settings'."""
_NGINX = """
sendfile on;
tcp_nopush on;
client_max_body_size 0;
server {{
    listen 127.0.0.1:{port};
    location / {{ root {files}; {put} }}
}}
"""
_PUT = "dav_methods PUT;"


@dataclass(frozen=True, eq=False)
class Contestant:
    """A running server. `request` makes an upload of some content; `locate` says where the file is then, from the
    digits in its name and the answer. Files can be laid into `files` where there is no more to a file than that."""

    key: str
    url: str
    servers: tuple[Server, ...]
    request: Callable[[bytes], bytes] | None
    locate: Callable[[str, bytes], str]
    files: Path | None = None

    @property
    def pids(self) -> list[int]:
        """The processes from which all of its processes descend."""
        return [server.pid for server in self.servers]


@contextmanager
def this_service(folder: Path, settings: Mapping[str, str]) -> Iterator[Contestant]:
    """As shipped, behind the shipped nginx."""
    shipped = {"X_ACCEL": "true", "TRUSTED_PROXIES": "127.0.0.1/32", **settings}
    front = Front(folder / "nginx")
    with running(Service(folder / "service", shipped)) as service:
        front.ship(service.settings)
        with running(front):
            yield Contestant("service", front.url, (service, front), _form("/upload"), _by_id)


@contextmanager
def nginx_alone(folder: Path) -> Iterator[Contestant]:
    """Files from a folder, and PUT into it where nginx has its module for WebDAV."""
    nginx = Nginx(folder)
    files = folder / "files"
    files.mkdir()
    takes = "http_dav_module" in _nginx_build(nginx)
    nginx.configure(_NGINX.format(port=nginx.port, files=files, put=_PUT if takes else ""))
    request = partial(put_request, f"/{MARK.decode()}.jpg") if takes else None
    with running(nginx):
        yield Contestant("nginx", nginx.url, (nginx,), request, _by_name, files)


@contextmanager
def bare(folder: Path, sync: bool = False) -> Iterator[Contestant]:
    """The bare view behind the shipped nginx; one that syncs is asked for uploads only."""
    key = "syncing" if sync else "bare"
    environ = {"BARE_X_ACCEL": "1", **({"BARE_SYNC": "1"} if sync else {})}
    with (
        running(bare_view(folder / "view", WORKERS, THREADS, **environ)) as view,
        behind_nginx(folder / "nginx", view, folder / "view" / "files") as front,
    ):
        yield Contestant(key, front.url, (view, front), _form("/upload"), _by_id)


@contextmanager
def copyparty(folder: Path, program: Path) -> Iterator[Contestant]:
    """Asked directly, as it is usually run."""
    with running(Copyparty(folder, program)) as server:
        request = _form("/?j", "f", {"act": "bput"})
        yield Contestant("copyparty", server.url, (server,), request, _by_name)


@contextmanager
def seaweedfs(folder: Path, program: Path) -> Iterator[Contestant]:
    """Its filer, asked directly."""
    with running(SeaweedFS(folder, program)) as server:
        yield Contestant("seaweedfs", server.url, (server,), _form("/"), _by_name)


def _form(
    path: str, field: str = "file", others: Mapping[str, str] | None = None
) -> Callable[[bytes], bytes]:
    return partial(form_request, path, field=field, others=others)


def _by_name(mark: str, _answer: bytes) -> str:
    return f"/{mark}.jpg"


def _by_id(_mark: str, answer: bytes) -> str:
    return f"/download/{json.loads(answer)['file_id']}"


def _nginx_build(nginx: Nginx) -> str:
    command = ["nginx", "-V"]
    return subprocess.run(command, env=nginx.environment(), check=True, capture_output=True, text=True).stderr
