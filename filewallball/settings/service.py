"""The settings: every environment variable once, with its type, default and meaning."""

from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from marshmallow.validate import OneOf, Range

from filewallball.addresses import Network
from filewallball.settings.kinds import SECRET_KINDS, setting
from filewallball.settings.monitoring import MonitoringSettings
from filewallball.settings.tracing import TracingSettings

ROLES = ("guest", "user", "monitor", "admin")
_URLS = ("database", "redis")
_EXECUTABLES = "application/x-executable"
_WHOLE_SECONDS = Range(timedelta(seconds=1), error="must be at least one second.")  # rounded where it is used


@dataclass(frozen=True, kw_only=True)
class Settings(TracingSettings, MonitoringSettings):
    """The settings of the service. Sizes are bytes, durations `timedelta`, networks parsed."""

    bind: str = setting("str", "127.0.0.1", "Address to listen on")
    port: int = setting("int", "8000", "Port to listen on", validate=Range(1, 65535))
    web_concurrency: int = setting("int", "2", "Worker processes with threads", validate=Range(1, 64))
    threads: int = setting("int", "8", "Threads in each of these workers", validate=Range(1, 256))
    sync_workers: int = setting(
        "int",
        "0",
        "Worker processes without threads, which nginx reaches by SYNC_SOCKET",
        validate=Range(0, 64),
    )
    sync_socket: str = setting("absolute", "", "Their Unix socket; empty = `sync.sock` under DATA_DIR")
    max_requests: int = setting(
        "int", "20000", "Requests after which a worker is replaced; 0 = never", validate=Range(0)
    )
    worker_timeout: timedelta = setting(
        "duration", "60s", "A worker without a heartbeat for this long is replaced", validate=_WHOLE_SECONDS
    )
    graceful_timeout: timedelta = setting(
        "duration", "30s", "How long transfers may go on after a stop or reload", validate=_WHOLE_SECONDS
    )
    client_header_timeout: timedelta = setting(
        "duration", "15s", "Time that a client has to send the head of a request"
    )
    client_timeout: timedelta = setting(
        "duration", "60s", "How long a client may stall while it sends a body or takes an answer"
    )
    client_min_rate: int = setting(
        "size",
        "1KB",
        "Bytes a second below which a client counts as stalling (nginx knows no such rate)",
        validate=Range(1),
    )
    prepare_on_start: bool = setting(
        "bool", "false", "Do what `filewallball prepare` does before each start, as `make run` has it"
    )
    data_dir: Path = setting("folder", "./instance", "Database, storage, journal, logs and metric files")
    database_url: str = setting(
        "database", "", "`sqlite:///…` or `mysql+pymysql://…`; empty = SQLite under DATA_DIR"
    )
    database_pool_size: int = setting(
        "int", "8", "Connections a worker keeps (MariaDB)", validate=Range(1, 200)
    )
    database_timeout: timedelta = setting(
        "duration", "5s", "Connect, read, write and lock-wait limit of the database"
    )
    redis_url: str = setting("redis", "", "`redis://…` for limits and the metadata cache; empty = none")
    admin_token: str = setting("token", "", "First admin's token; empty = one is generated and shown once")
    anonymous_role: str = setting("str", "user", "Role of callers without a token", validate=OneOf(ROLES))
    monitoring_networks: tuple[Network, ...] = setting(
        "networks", "127.0.0.0/8,::1/128", "Networks that may read metrics, detailed health and statistics"
    )
    trusted_proxies: tuple[Network, ...] = setting(
        "networks", "", "Proxies whose forwarding headers are believed"
    )
    max_upload_size: int = setting("size", "50MB", "Largest file accepted")
    uploads_per_client: int = setting(
        "int", "20", "Resumable uploads that a user, or an address, may leave unfinished", validate=Range(1)
    )
    upload_idle: timedelta = setting(
        "duration", "1h", "Resumable uploads without progress for this long expire"
    )
    upload_expires: timedelta = setting(
        "duration", "24h", "Time that a resumable upload may take from its creation to its end"
    )
    min_free_space: int = setting(
        "size_or_auto", "auto", "Space never given to uploads; auto = min(256 MB, 5 % of the disk)"
    )
    allowed_file_types: tuple[str, ...] = setting(
        "types", "", "Media types accepted, `image/*` too; empty = any"
    )
    blocked_file_types: tuple[str, ...] = setting("types", _EXECUTABLES, "Media types refused")
    suspicious_uploads: str = setting(
        "str",
        "quarantine",
        "Files whose content is dangerous: `flag`, `quarantine` or `reject`",
        validate=OneOf(("flag", "quarantine", "reject")),
    )
    ratelimit_upload: str = setting(
        "limits", "", "Uploads of one client, such as `60/minute`; empty = unlimited"
    )
    ratelimit_download: str = setting(
        "limits", "", "Downloads, views and thumbnails of one client; empty = unlimited"
    )
    ratelimit_api: str = setting(
        "limits",
        "",
        "Other requests of one client, unknown paths too; probes and metrics never count; empty = unlimited",
    )
    ratelimit_auth: str = setting(
        "limits", "30/minute", "Failed authentications of one client; off = unlimited"
    )
    ratelimit_strategy: str = setting(
        "str",
        "sliding-window-counter",
        "`fixed-window`, `sliding-window-counter` or `moving-window` (exact, one entry for each hit)",
        validate=OneOf(("fixed-window", "sliding-window-counter", "moving-window")),
    )
    ratelimit_enforce: bool = setting("bool", "true", "Refuse beyond the limits; false = only count")
    autoblock_auth: str = setting(
        "limits", "100/hour", "Failed authentications beyond which a client is blocked; off = never"
    )
    autoblock_limits: str = setting(
        "limits", "1000/hour", "Requests over a limit beyond which a client is blocked; off = never"
    )
    autoblock_suspicious: str = setting(
        "limits", "50/hour", "Suspicious uploads beyond which a client is blocked; off = never"
    )
    autoblock_for: timedelta = setting(
        "duration", "1h", "How long an automatic block lasts", validate=_WHOLE_SECONDS
    )
    quota_user_bytes: int = setting("size", "0", "Bytes that a user may keep; 0 = unlimited")
    quota_user_files: int = setting(
        "int", "0", "Files that a user may keep; 0 = unlimited", validate=Range(0)
    )
    quota_anonymous_bytes: int = setting("size", "0", "Bytes that an address may keep; 0 = unlimited")
    quota_anonymous_files: int = setting(
        "int", "0", "Files that an address may keep; 0 = unlimited", validate=Range(0)
    )
    cors_origins: tuple[str, ...] = setting(
        "origins", "", "Web origins whose pages may call the API; `*` = any; empty = none"
    )
    allowed_hosts: tuple[str, ...] = setting(
        "hosts",
        "",
        "Names of the service, `*.example.org` too; others are refused; empty = served with fewer rights",
    )
    scan_policy: str = setting(
        "str",
        "off",
        "Virus scan: `off`, `optional` (what cannot be scanned is kept) or `required` (nor served)",
        validate=OneOf(("off", "optional", "required")),
    )
    clamd_address: str = setting(
        "endpoint", "127.0.0.1:3310", "The scanner: `host:port` or the path of its socket"
    )
    scan_timeout: timedelta = setting("duration", "15s", "Longest time that one scan may take")
    scan_max_size: int = setting(
        "size",
        "25MB",
        "Largest file that counts as scanned; at most clamd's StreamMaxLength, MaxFileSize and MaxScanSize",
    )
    scan_signature_max_age: timedelta = setting(
        "duration", "7d", "Age of the scanner's signatures beyond which health is degraded"
    )
    thumbnail_max_pixels: int = setting(
        "int", "50000000", "Largest image that is decoded for a thumbnail, in pixels", validate=Range(1)
    )
    thumbnail_timeout: timedelta = setting("duration", "10s", "Time that one thumbnail may take")
    thumbnail_memory: int = setting("size", "1GB", "Address space that one thumbnail may take")
    thumbnail_cache_size: int = setting("size", "1GB", "Disk that finished thumbnails may take")
    scrub_interval: timedelta = setting(
        "duration", "30d", "Time within which every stored byte is read and compared"
    )
    scrub_rate: int = setting("size", "10MB", "Bytes that the scrub reads in a second")
    backup_max_age: timedelta | None = setting(
        "age", "", "Age of the last backup beyond which health is degraded; empty = not watched"
    )
    backup_after: tuple[str, ...] = setting(
        "command", "", "Program, with its arguments, that `backup create` runs afterwards; no shell reads it"
    )
    x_accel: bool = setting(
        "bool",
        "false",
        "Let nginx send downloads that it passes on (X-Accel-Redirect to /_blobs/); needs TRUSTED_PROXIES",
    )
    nginx_unanswered_log: str = setting(
        "absolute",
        "",
        "nginx's log of requests that found the service away, put on record later; empty = not read",
    )
    audit_sync: str = setting(
        "str",
        "second",
        "Journal durability: `second` or `full` (each line)",
        validate=OneOf(("second", "full")),
    )
    audit_seal_key: str = setting("secret", "", "Key of the audit macs and seals; empty = DATA_DIR/audit-key")
    audit_verify_interval: timedelta = setting(
        "duration", "1d", "How often the whole audit log is verified in the background"
    )
    audit_retention: timedelta = setting(
        "duration", "365d", "How long audit rows are kept; whole blocks older than this are pruned"
    )
    history_addresses: str = setting(
        "str",
        "network",
        "What the owner of a file is told of the addresses in its history: `full`, `network` (/24, IPv6: /48) or "
        "`none`",
        validate=OneOf(("full", "network", "none")),
    )
    health_check_interval: timedelta = setting(
        "duration", "30s", "How often health is checked without being asked"
    )
    health_check_timeout: timedelta = setting(
        "duration", "5s", "Longest time a health check may take; an answer waits at most 1.5s of it"
    )
    public_url: str = setting(
        "shown_url", "", "Prefix of the URLs in answers, such as https://files.example.org; empty = paths"
    )
    tls_certificate: str = setting(
        "absolute", "/etc/filewallball/tls/fullchain.pem", "Certificate that the nginx of `ops render` shows"
    )
    tls_certificate_key: str = setting(
        "absolute", "/etc/filewallball/tls/privkey.pem", "Its key, readable by root alone"
    )
    log_level: str = setting(
        "str",
        "INFO",
        "Least severe level logged",
        validate=OneOf(("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")),
    )
    log_format: str = setting("str", "json", "`json` or `text`", validate=OneOf(("json", "text")))
    log_file: Path = setting("str", "logs/filewallball.log", "Log file; relative = under DATA_DIR")
    log_max_size: int = setting("size", "10MB", "Size at which the log file is rotated")
    log_backup_count: int = setting("int", "5", "Rotated log files kept", validate=Range(0, 1000))

    def secrets(self) -> list[str]:
        """Every secret among the settings, for whoever takes them out of text; of a URL its password."""
        found = []
        for row in fields(self):
            value = getattr(self, row.name)
            if not value or row.metadata["kind"] not in SECRET_KINDS:
                continue
            if isinstance(value, tuple):
                found += [secret for _, text in value for secret in (text, text.rpartition(" ")[2])]
            else:
                found.append(_password(value) if row.metadata["kind"] in _URLS else value)
        return [secret for secret in found if secret]

    @property
    def storage_dir(self) -> Path:
        return self.data_dir / "storage"

    @property
    def journal_dir(self) -> Path:
        return self.data_dir / "journal"

    @property
    def slots_dir(self) -> Path:
        return self.data_dir / "slots"

    @property
    def metrics_dir(self) -> Path:
        return self.data_dir / "metrics"

    @property
    def limits_file(self) -> Path:
        return self.data_dir / "limits" / "counts-1"  # the format's number: formats never share a file

    @property
    def thumbnails_dir(self) -> Path:
        return self.data_dir / "thumbnails"

    @property
    def drain_file(self) -> Path:
        return self.data_dir / "drain"


def _password(url: str) -> str:
    """The password in a URL; empty where there is none, or no URL."""
    try:
        return unquote(urlsplit(url).password or "")
    except ValueError:
        return ""
