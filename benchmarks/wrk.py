"""Load by wrk: requests that are alike, or uploads of which no two are, and what it measured."""

import re
import secrets
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MARK = b"no two alike ..................."
"""Stands in a request where each one that is sent has 32 hexadecimal digits of its own."""

_BOUNDARY = "benchmark"
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_LUA = """
local file = io.open("@request@", "rb")
local text, mark = file:read("*a"), "@mark@"
file:close()
local pieces, from = {}, 1
for first, last in function() return text:find(mark, from, true) end do
    pieces[#pieces + 1] = text:sub(from, first - 1)
    from = last + 1
end
pieces[#pieces + 1] = text:sub(from)
local threads, count, run = 0, 0, ""
function setup(thread)
    thread:set("number", threads)
    threads = threads + 1
end
function init(arguments)
    run = arguments[1]
end
function request()
    count = count + 1
    return table.concat(pieces, string.format("%s%04x%012x", run, number, count))
end
"""


@dataclass(frozen=True)
class Load:
    """The measurements of one run; latencies in seconds."""

    requests: int
    failures: int
    rate: float
    p50: float
    p99: float


def run(url: str, connections: int, seconds: int, script: Path | None = None, threads: int = 1) -> Load:
    """Load `url` for some seconds; answers other than 2xx and 3xx, and broken connections, are failures."""
    command = ["wrk", "--latency", "--timeout", "60s", f"-t{min(threads, connections)}"]
    command += [f"-c{connections}", f"-d{seconds}s", *(["-s", str(script)] if script else []), url]
    command += ["--", secrets.token_hex(8)]
    return _parse(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def upload_script(folder: Path, request: bytes) -> Path:
    """A script that sends this request, with digits of its own each time wherever `MARK` stands in it."""
    path = folder / "request"
    path.write_bytes(request)
    script = folder / "upload.lua"
    script.write_text(_LUA.replace("@request@", str(path)).replace("@mark@", MARK.decode()))
    return script


def form_request(
    path: str, content: bytes, field: str = "file", others: Mapping[str, str] | None = None
) -> bytes:
    """A multipart upload of a JPEG, after form fields that come first."""
    texts = [f'form-data; name="{name}"\r\n\r\n{value}' for name, value in (others or {}).items()]
    texts.append(f'form-data; name="{field}"; filename="{MARK.decode()}.jpg"\r\nContent-Type: image/jpeg\r\n')
    start = "".join(f"--{_BOUNDARY}\r\nContent-Disposition: {text}\r\n" for text in texts)
    body = start.encode() + content + f"\r\n--{_BOUNDARY}--\r\n".encode()
    return _request("POST", path, f"multipart/form-data; boundary={_BOUNDARY}", body)


def put_request(path: str, content: bytes) -> bytes:
    """An upload whose body is the JPEG itself."""
    return _request("PUT", path, "image/jpeg", content)


def jpeg_like(size: int) -> bytes:
    """Bytes that look like a photo, as most uploads are, with `MARK` near their start."""
    start = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + MARK
    return start + secrets.token_bytes(size - len(start))


def _request(method: str, path: str, content_type: str, body: bytes) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Type: {content_type}"]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def _parse(output: str) -> Load:
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output)
    return Load(
        requests=int(_find(r"(\d+) requests in", output)),
        failures=sum(int(number) for found in (refused, broken) if found for number in found.groups()),
        rate=float(_find(r"Requests/sec:\s+([\d.]+)", output)),
        p50=_seconds(_find(r"\n +50% +(\S+)", output)),
        p99=_seconds(_find(r"\n +99% +(\S+)", output)),
    )


def _find(pattern: str, output: str) -> str:
    found = re.search(pattern, output)
    assert found is not None, output
    return found[1]


def _seconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)([a-z]+)", text).groups()  # type: ignore[union-attr]
    return float(number) * _UNITS[unit]
