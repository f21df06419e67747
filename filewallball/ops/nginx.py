"""`filewallball.conf`, for the `http` block of nginx: what stands between clients and the service, and why."""

import ipaddress
import math
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from filewallball.ops import nginx_problems
from filewallball.ops.nginx_log import ACCESS_LOGS, LOG
from filewallball.settings.loading import ConfigError
from filewallball.settings.service import Settings

# Where the service sends nginx for the bytes of a download.
_BLOBS, _SHARED_BLOBS = "/_blobs/", "/_shared_blobs/"
# Around the file of a multipart upload: its boundaries and the option fields.
_FORM_BYTES = 2 * 1024 * 1024
# What the application says of a download and nginx, sending it in its place, would drop.
_KEPT = (
    *("ETag", "Last-Modified", "Content-Security-Policy", "Cross-Origin-Resource-Policy"),
    *("Cross-Origin-Opener-Policy", "Referrer-Policy", "X-Content-Type-Options", "X-Frame-Options"),
    *("Strict-Transport-Security", "X-Request-ID", "traceresponse", "Repr-Digest", "Vary"),
    *("Access-Control-Allow-Origin", "Access-Control-Expose-Headers"),
    *("RateLimit", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "RateLimit-Policy"),
)
_HSTS = "max-age=31536000; includeSubDomains"

_LIMITS = """\
# Whole requests are taken in before the service sees them: a slow client holds a connection here and no thread
# there. They wait in client_body_temp_path, which needs room for the uploads under way.
proxy_request_buffering on;
client_max_body_size {most};
client_body_buffer_size 128k;
# A request that takes longer than this between two pieces ends without an answer.
client_header_timeout {head}s;
client_body_timeout {stall}s;
send_timeout {stall}s;
large_client_header_buffers 4 16k;
reset_timedout_connection on;
server_tokens off;
sendfile on;
"""

_SERVICE = """\
proxy_http_version 1.1;
proxy_set_header Connection "";
proxy_set_header Host $host$filewallball_port;
# One hop, replaced and not appended: what a client says of itself goes no further.
proxy_set_header X-Forwarded-For $remote_addr;
proxy_set_header X-Forwarded-Proto $scheme;
proxy_set_header X-Forwarded-Host "";
proxy_set_header X-Real-IP "";
proxy_set_header Forwarded "";
proxy_set_header Via "";
proxy_set_header X-Request-ID req_$request_id;
# Once, so that what the log above says of it is what the service reads.
proxy_set_header traceparent $http_traceparent;
proxy_connect_timeout 5s;
proxy_send_timeout 60s;
proxy_read_timeout 120s;
# Nothing is sent twice: a PUT stores a file of its own each time. Reloads drop no connection, so nothing has to be.
proxy_next_upstream off;
"""

_SYNC_CHOICE = """\
# What ends within seconds goes to the workers without threads. The pool of threads sends by itself what nginx cannot:
# several ranges, and what depends on If-Match.
map $http_range $filewallball_ranges { default ""; "~," several; }
map "$http_if_match$http_if_unmodified_since$filewallball_ranges" $filewallball_sender {
    default filewallball;
    "" filewallball_sync;
}
"""
_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_MEMBERS = (
    '"type":"/docs/errors#$filewallball_problem_code"',
    '"title":"$filewallball_problem_title"',
    '"status":$status',
    '"detail":"$filewallball_problem_detail"',
    '"code":"$filewallball_problem_code"',
    '"request_id":"req_$request_id"',
)


def configuration(settings: Settings) -> str:
    """The file as a whole."""
    return "\n".join(
        (
            "# Written by `filewallball ops render`: change the environment it reads, not this file.",
            "# Include it in the http block (Debian: /etc/nginx/conf.d). The service needs TRUSTED_PROXIES and",
            "# X_ACCEL=true; nginx's user needs the group of the service, to read the stored files.",
            "",
            LOG,
            *nginx_problems.maps(),
            *nginx_problems.origins(settings.cors_origins),
            "",
            *_upstream(settings),
            "",
            *_servers(settings),
            "",
        )
    )


def _upstream(settings: Settings) -> Iterator[str]:
    if settings.sync_workers:
        yield from _SYNC_CHOICE.splitlines()
        yield "upstream filewallball_sync {"
        yield f'    server "unix:{_escaped(settings.sync_socket)}";'
        yield "}"
    yield "upstream filewallball {"
    yield f"    server {_address(settings.bind)}:{settings.port};"
    yield "    # No keepalive: an idle connection may belong to a worker whose threads are all busy."
    yield "}"


def _address(bind: str) -> str:
    if bind in ("0.0.0.0", "::", ""):  # noqa: S104 - what the service listens on; from here it is reached by loopback
        return "127.0.0.1"
    return _in_brackets(bind)


def _in_brackets(host: str) -> str:
    """A host as URLs and nginx write it: an IPv6 address stands in brackets."""
    return f"[{host}]" if ":" in host else host


def _servers(settings: Settings) -> Iterator[str]:
    url = urlsplit(settings.public_url)
    name, secure = _in_brackets(url.hostname or "_"), url.scheme == "https"
    port = url.port or (443 if secure else 80)
    lines = [f"server_name {name};", *_listen(name, port, secure, settings)]
    lines += ACCESS_LOGS
    lines += _limits(settings).splitlines()
    lines += _SERVICE.splitlines()
    lines += [*nginx_problems.pages(), *_locations(settings, secure)]
    yield _block("server", lines)
    if secure and port == 443:
        yield _block("server", _redirect(name))


def _limits(settings: Settings) -> str:
    head, stall = settings.client_header_timeout, settings.client_timeout
    return _LIMITS.format(
        # A tenth more, so that it is mostly the service that refuses a file, and says how large one may be.
        most=(settings.max_upload_size + _FORM_BYTES) * 11 // 10,
        head=math.ceil(head.total_seconds()),
        stall=math.ceil(stall.total_seconds()),
    )


def _listen(name: str, port: int, secure: bool, settings: Settings) -> Iterator[str]:
    option = " ssl http2" if secure else ""
    if _is_address(name):
        yield f"listen {name}:{port}{option};"
    else:
        yield f"listen {port}{option};"
        yield f"listen [::]:{port}{option};"
    if secure:
        yield f"ssl_certificate {settings.tls_certificate};"
        yield f"ssl_certificate_key {settings.tls_certificate_key};"
        yield "ssl_protocols TLSv1.2 TLSv1.3;"
        yield "ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;"
        yield "ssl_prefer_server_ciphers off;"
        yield "ssl_session_cache shared:filewallball:10m;"
        yield "ssl_session_timeout 1d;"
        yield "ssl_session_tickets off;"


def _is_address(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).version == 4
    except ValueError:
        return False


def _redirect(name: str) -> Iterator[str]:
    yield "listen 80;"
    yield "listen [::]:80;"
    yield f"server_name {name};"
    yield ACCESS_LOGS[0]
    yield "location /.well-known/acme-challenge/ { root /var/www/html; }"
    yield f"location / {{ return 308 https://{name}$request_uri; }}"


def _locations(settings: Settings, secure: bool) -> Iterator[str]:
    yield ""
    yield "# What the service says of itself is for monitoring networks; the service looks at who asks once more."
    yield "location ~ ^/(metrics|health/detailed)/*$ {"
    yield from (f"    allow {network};" for network in settings.monitoring_networks)
    yield "    deny all;"
    yield "    proxy_pass http://filewallball;"
    yield "}"
    yield "# Of an upload that breaks off, all that came counts: so it goes on to the service as it comes."
    yield "location ~ ^/uploads(/|$) {"
    yield "    proxy_request_buffering off;"
    yield "    proxy_pass http://filewallball;"
    yield "}"
    yield from _by_secret_address(settings)
    yield from _to_sync_workers(settings)
    yield "location / {"
    yield "    proxy_pass http://filewallball;"
    yield "}"
    yield "# Downloads: the service decides, counts and names the headers, nginx sends the bytes."
    yield from _blobs(settings, _BLOBS)
    yield "# The same for links and tickets."
    yield from _blobs(settings, _SHARED_BLOBS, nginx_problems.SILENT)
    yield from nginx_problems.locations(_HSTS if secure else "")
    yield "location = /_problem {"
    yield "    internal;"
    yield "    default_type application/problem+json;"
    headers = [*_problem_headers(secure), *nginx_problems.cors_headers(settings.cors_origins)]
    yield from (f"    add_header {name} {value} always;" for name, value in headers)
    yield f"    return 200 '{{{','.join(_MEMBERS)}}}';"
    yield "}"


def _by_secret_address(settings: Settings) -> Iterator[str]:
    yield "# Links and tickets open files, so their addresses go into no log; the service notes what fails here."
    if settings.sync_workers and settings.x_accel:  # passwords and thumbnails take longer than downloads
        yield "location ~ ^/(s/[^/]+/[^/]+|t/[^/]+)(/view)?/*$ {"
        yield f"    {nginx_problems.SILENT}"
        yield "    proxy_pass http://$filewallball_sender;"
        yield "}"
    yield 'location ~ "fwb_[A-Za-z0-9_-]{8}" {'
    yield f"    {nginx_problems.SILENT}"
    yield "    proxy_pass http://filewallball;"
    yield "}"


def _blobs(settings: Settings, prefix: str, *more: str) -> Iterator[str]:
    yield f"location {prefix} {{"
    yield "    internal;"
    yield from (f"    {line}" for line in more)
    yield f'    alias "{_escaped(settings.storage_dir / "blobs")}/";'
    # The service has looked at conditions and ranges already; nginx only cuts out what was agreed.
    yield from ("    max_ranges 1;", "    etag off;", "    if_modified_since off;")
    yield from (f"    add_header {name} $upstream_http_{name.lower().replace('-', '_')};" for name in _KEPT)
    yield "}"


def _to_sync_workers(settings: Settings) -> Iterator[str]:
    if not settings.sync_workers:
        return
    words = ["files"]
    if settings.x_accel:
        words += ["download", "view"]
    if settings.scan_policy == "off":  # or each upload waits for the scanner
        words.append("upload")
    yield f"location ~ ^/({'|'.join(sorted(words))})(/|$) {{"
    yield "    proxy_pass http://$filewallball_sender;"
    yield "}"


def _problem_headers(secure: bool) -> Iterator[tuple[str, str]]:
    yield "X-Request-ID", "req_$request_id"
    yield "Retry-After", "$filewallball_problem_retry"
    yield "Cache-Control", "no-store"
    yield "Content-Security-Policy", f'"{_POLICY}"'
    yield "X-Content-Type-Options", "nosniff"
    if secure:
        yield "Strict-Transport-Security", f'"{_HSTS}"'


def _escaped(path: object) -> str:
    """A path inside double quotes; nginx knows no way to write a dollar sign there."""
    text = str(path)
    if "$" in text:
        raise ConfigError(["DATA_DIR: nginx cannot serve from a path with a dollar sign."])
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _block(name: str, lines: Iterable[str]) -> str:
    return "\n".join((f"{name} {{", *(f"    {line}".rstrip() for line in lines), "}"))
