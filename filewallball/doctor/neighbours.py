"""Checks of `filewallball doctor` that ask others: the service over HTTP, its proxy, Prometheus, Grafana's folder."""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

import yaml

from filewallball.addresses import UNKNOWN_CLIENT
from filewallball.doctor.host import BAD, OK, WARNING, Diagnosis
from filewallball.observability.contract import CONTRACT
from filewallball.ops import dashboards
from filewallball.ops.prometheus import alert_rules
from filewallball.settings.service import Settings

_SECONDS = 10
_JOBS = ("filewallball", "filewallball-health")
# Addresses of documentation (RFC 5737): nobody has it, so nobody may seem to come from it.
_NOBODY = "192.0.2.99"
_NOT_ANSWERING = (OSError, HTTPException, ValueError)
_NOT_UNDERSTOOD = (ValueError, LookupError, TypeError, AttributeError)
"""Raised by the text of another program than the one that was asked for."""


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Nowhere: an answer from elsewhere would tell nothing about the one who was asked."""


_opener = build_opener(ProxyHandler({}), _NoRedirect)


def ask(url: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> tuple[int, str]:
    """Status and text of an answer; raises OSError, HTTPException or ValueError where there is no answer."""
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"{url!r} is no web address")
    try:
        request = Request(url, headers=dict(headers or {}), method=method)  # noqa: S310 - web only
        with _opener.open(request, timeout=_SECONDS) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except HTTPError as error:
        return error.code, error.read().decode(errors="replace")
    except URLError as error:  # its text would be `<urlopen error …>`
        raise (error.reason if isinstance(error.reason, OSError) else error) from None


def own_url(settings: Settings) -> str:
    """The URL of the service, as this host reaches it."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.bind, settings.bind)  # noqa: S104 - compared
    return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{settings.port}"


def service(settings: Settings, token: str) -> Iterator[Diagnosis]:
    """Metrics, health, periodic jobs and statistics, as a monitoring system asks for them."""
    address = own_url(settings)
    access = {"Authorization": f"Bearer {token}"} if token else {}
    for name, path, judge in (
        ("metrics", "/metrics", partial(_metrics, settings)),
        ("health", "/health", _health),
        ("periodic jobs", "/metrics", _periodic_jobs),
        ("statistics", "/api/v1/metrics/detailed", _statistics),
    ):
        try:
            status, text = ask(address + path, access if name != "health" else {})
        except _NOT_ANSWERING as error:
            yield Diagnosis(name, BAD, f"{address}{path} does not answer: {error}")
            continue
        try:
            yield judge(status, text)
        except _NOT_UNDERSTOOD:
            yield Diagnosis(name, BAD, f"{address}{path} is not answered by this service")


def _metrics(settings: Settings, status: int, text: str) -> Diagnosis:
    if not settings.prometheus_enabled:
        return Diagnosis("metrics", BAD, "PROMETHEUS_ENABLED=false: there are none")
    if status != 200:
        return Diagnosis("metrics", BAD, f"/metrics answers {status}; see MONITORING_NETWORKS")
    exposed = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")}
    missing = sorted({metric.name for metric in CONTRACT} - exposed)
    if len(missing) == len(CONTRACT):
        return Diagnosis("metrics", BAD, "/metrics has none of this service's")
    if missing:
        return Diagnosis("metrics", WARNING, f"without samples so far: {', '.join(missing)}")
    return Diagnosis("metrics", OK, f"all {len(CONTRACT)} of the contract are exposed")


def _health(status: int, text: str) -> Diagnosis:
    said = json.loads(text) if text.startswith("{") else {}
    overall = said.get("status", f"no status ({status})")
    unwell = [
        f"{name} {each.get('status')}"
        for name, each in said.get("services", {}).items()
        if each.get("status") not in ("healthy", "disabled")
    ]
    found = {"healthy": OK, "degraded": WARNING}.get(str(overall), BAD)
    return Diagnosis("health", found, ", ".join([str(overall), *unwell]))


def _periodic_jobs(status: int, text: str) -> Diagnosis:
    if status == 200 and "\nperiodic_jobs_running 1.0" in text:
        return Diagnosis("periodic jobs", OK, "a process of this host does them")
    said = "no process does them (fwb-jobs)" if status == 200 else f"/metrics answers {status}"
    return Diagnosis("periodic jobs", BAD, said)


def _statistics(status: int, text: str) -> Diagnosis:
    if status != 200:
        return Diagnosis("statistics", BAD, f"/api/v1/metrics/detailed answers {status}")
    total = json.loads(text)["system_metrics"]["total_files"]
    return Diagnosis("statistics", OK, f"answered; {total} files")


def proxies(settings: Settings) -> Diagnosis:
    """Check that the service knows its proxy, and that the proxy believes nobody else."""
    if not settings.public_url:
        return Diagnosis("proxies", WARNING, "PUBLIC_URL is not set, so no proxy was asked")
    if not settings.trusted_proxies:
        return Diagnosis("proxies", BAD, "TRUSTED_PROXIES is not set: every client has the proxy's address")
    url = f"{settings.public_url}/api/v1/access/me"
    try:
        status, text = ask(url, {"X-Forwarded-For": _NOBODY, "X-Real-IP": _NOBODY})
    except _NOT_ANSWERING as error:
        return Diagnosis("proxies", BAD, f"{settings.public_url} does not answer: {error}")
    if status != 200:
        return Diagnosis("proxies", BAD, f"{url} answers {status}")
    try:
        return _what_arrives(settings, json.loads(text))
    except _NOT_UNDERSTOOD:
        return Diagnosis("proxies", BAD, f"{url} is not answered by this service")


def _what_arrives(settings: Settings, seen: dict[str, Any]) -> Diagnosis:
    """Check the addresses that the service sees behind a proxy."""
    if seen["address"] == _NOBODY:
        return Diagnosis(
            "proxies", BAD, "a client may choose its address: let the proxy replace X-Forwarded-For"
        )
    if "X-Forwarded-For" not in seen["forwarding_headers"]:
        return Diagnosis("proxies", BAD, "the proxy does not pass on addresses (X-Forwarded-For)")
    if not seen["peer_is_trusted"]:
        return Diagnosis("proxies", BAD, f"TRUSTED_PROXIES does not name {seen['peer']}")
    if seen["address"] == UNKNOWN_CLIENT:
        sent = seen["forwarding_headers"]["X-Forwarded-For"]
        return Diagnosis(
            "proxies", BAD, f"the proxy sends no address that can be read: X-Forwarded-For: {sent}"
        )
    return _what_passes(settings, seen)


def _what_passes(settings: Settings, seen: dict[str, Any]) -> Diagnosis:
    """Check hosts and downloads behind a proxy that passes on addresses."""
    if not seen["host_is_known"]:
        said = f"the proxy passes on {seen['host']!r} as Host, which ALLOWED_HOSTS does not name"
        return Diagnosis("proxies", WARNING, said)
    if not settings.x_accel:
        return Diagnosis("proxies", WARNING, "X_ACCEL=false: workers send the bytes of every download")
    return Diagnosis("proxies", OK, f"one hop, {seen['peer']}; clients keep their addresses")


def prometheus(settings: Settings) -> Iterator[Diagnosis]:
    """Check that the alert rules are loaded, the service is scraped, and alerts reach somebody."""
    address = settings.prometheus_url or f"http://localhost:{settings.prometheus_port}"
    for name, path, judge in (
        ("alert rules", "rules?type=alert", partial(_rules, settings)),
        ("scraping", "targets?state=active", _targets),
        ("alertmanager", "alertmanagers", _alertmanagers),
    ):
        try:
            status, text = ask(f"{address}/api/v1/{path}")
            if status != 200:
                raise OSError(f"status {status}")
            yield judge(json.loads(text)["data"])
        except (*_NOT_ANSWERING, *_NOT_UNDERSTOOD) as error:
            yield Diagnosis(name, BAD, f"Prometheus at {address} does not answer as it should: {error}")


def _rules(settings: Settings, data: Any) -> Diagnosis:
    wanted = {
        rule["alert"]: rule
        for group in yaml.safe_load(alert_rules(settings))["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    loaded = {rule["name"]: rule for group in data["groups"] for rule in group["rules"]}
    missing = sorted(wanted.keys() - loaded.keys())
    failing = sorted(name for name in wanted.keys() & loaded.keys() if loaded[name]["health"] == "err")
    found = {"not loaded": missing, "failing": failing}
    if said := [f"{what}: {', '.join(names)}" for what, names in found.items() if names]:
        return Diagnosis("alert rules", BAD, "; ".join(said))
    return Diagnosis("alert rules", OK, f"all {len(wanted)} are loaded")


def _targets(data: Any) -> Diagnosis:
    states = {job: [] for job in _JOBS}  # type: dict[str, list[str]]
    for target in data["activeTargets"]:
        states.setdefault(target["labels"]["job"], []).append(target["health"])
    absent = [job for job in _JOBS if not states[job]]
    down = sorted(job for job, found in states.items() if "down" in found)
    if absent or down:
        return Diagnosis("scraping", BAD, f"absent jobs: {absent or 'none'}; down: {down or 'none'}")
    return Diagnosis("scraping", OK, f"{sum(map(len, states.values()))} targets are up")


def _alertmanagers(data: Any) -> Diagnosis:
    active = [each["url"] for each in data["activeAlertmanagers"]]
    if not active:
        return Diagnosis("alertmanager", BAD, "Prometheus knows none: alerts reach nobody")
    return Diagnosis("alertmanager", OK, ", ".join(active))


def provisioned(settings: Settings, folder: Path) -> Diagnosis:
    """Check that the dashboards are where Grafana looks for them, and are those of this version."""
    if not settings.grafana_enabled:
        return Diagnosis("dashboards", OK, "GRAFANA_ENABLED=false: none are wanted")
    wanted = {
        Path(each.path).name: each.text(settings)
        for each in dashboards.ARTIFACTS
        if each.path.endswith(".json")
    }
    try:
        missing = [name for name in wanted if not (folder / name).is_file()]
        stale = [
            name
            for name, text in wanted.items()
            if name not in missing and (folder / name).read_text(errors="replace") != text
        ]
    except OSError as error:
        return Diagnosis("dashboards", BAD, f"{error.filename or folder} cannot be read: {error.strerror}")
    if missing:
        return Diagnosis("dashboards", BAD, f"not in {folder}: {', '.join(missing)}")
    if stale:
        return Diagnosis("dashboards", WARNING, f"not as `ops render` writes them now: {', '.join(stale)}")
    return Diagnosis("dashboards", OK, f"{len(wanted)} in {folder}")
