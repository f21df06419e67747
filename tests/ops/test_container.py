"""The container files agree with each other, with the settings, and with what `filewallball ops render` writes."""

import ipaddress
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from filewallball.installation import __version__
from filewallball.ops.artifacts import ARTIFACTS, host_settings
from filewallball.ops.nginx import configuration as nginx_configuration
from filewallball.ops.prometheus import configuration as prometheus_configuration
from filewallball.ops.rendering import write
from filewallball.settings.loading import documented, load_settings
from filewallball.settings.service import Settings
from harness import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
TLS: dict[str, Any] = yaml.safe_load((ROOT / "compose.tls.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
CONTAINERFILE = (ROOT / "Containerfile").read_text()
PAGE = (ROOT / "docs" / "container.md").read_text()
_OURS = ("render", "filewallball")


def default(text: str) -> str:
    """`text` as compose reads it in an empty environment."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def settings_of(service: str, **more: str) -> Settings:
    environ = {name: default(value) for name, value in SERVICES[service]["environment"].items()}
    return host_settings(environ | more)


def instruction(name: str) -> list[str]:
    """What follows an instruction, wherever it stands in the Containerfile."""
    lines = CONTAINERFILE.replace("\\\n", " ").splitlines()
    return [line.split(None, 1)[1] for line in lines if line.startswith(f"{name} ")]


def test_the_image_runs_as_nobody_special_and_serves_as_the_page_says() -> None:
    environment = dict(pair.split("=", 1) for pair in instruction("ENV")[-1].split())

    assert instruction("USER") == ["10001:10001"]
    assert json.loads(instruction("CMD")[0]) == ["filewallball", "serve"]
    assert instruction("VOLUME") == [environment["DATA_DIR"]]
    assert (environment["BIND"], environment["PORT"]) == ("0.0.0.0", instruction("EXPOSE")[0])  # noqa: S104
    for said in ("10001", "`filewallball serve`", "`/health/live`", f"`{environment['DATA_DIR']}`"):
        assert said in PAGE


def test_the_image_holds_what_is_pinned_with_hashes_and_the_folders_that_it_is_made_from() -> None:
    kept = {line[1:] for line in (ROOT / ".containerignore").read_text().splitlines() if line.startswith("!")}
    copied = [word for each in instruction("COPY") if "--from" not in each for word in each.split()[:-1]]

    assert "--require-hashes --requirement requirements/production.txt" in CONTAINERFILE
    assert all((ROOT / name).exists() for name in copied)
    assert {name.rstrip("/") for name in copied} <= {name.split("/")[0] for name in kept}


def test_the_health_check_of_the_image_and_of_compose_is_one() -> None:
    [check] = re.findall(r"HEALTHCHECK .*?CMD (\[.*\])", CONTAINERFILE.replace("\\\n", " "))

    assert SERVICES["filewallball"]["healthcheck"]["test"] == ["CMD", *json.loads(check)]
    compile(json.loads(check)[-1], "health check", "exec")


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_names_exists_and_nothing_else_is_declared(name: str) -> None:
    service = SERVICES[name]
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        assert (ROOT / source).is_file() if source.startswith(".") else source in COMPOSE["volumes"]
    assert set(service["networks"]) <= COMPOSE["networks"].keys()
    assert secrets_of(service) <= COMPOSE["secrets"].keys()
    for other, how in service.get("depends_on", {}).items():
        ends = how["condition"] == "service_completed_successfully"
        assert ends or "healthcheck" in SERVICES[other]


def secrets_of(service: dict[str, Any]) -> set[str]:
    return {each if isinstance(each, str) else each["source"] for each in service.get("secrets", [])}


def test_every_volume_network_and_secret_is_used_and_the_page_says_how_secrets_are_made() -> None:
    mounted = {each.split(":")[0] for service in SERVICES.values() for each in service.get("volumes", [])}
    joined = {each for service in SERVICES.values() for each in service["networks"]}
    secret = set().union(*map(secrets_of, SERVICES.values()))

    assert COMPOSE["volumes"].keys() <= mounted
    assert COMPOSE["networks"].keys() == joined
    assert COMPOSE["secrets"].keys() == secret
    for declared in (*COMPOSE["secrets"].items(), *TLS["secrets"].items()):
        assert declared[1] == {"file": f"./secrets/{declared[0]}"}
        assert f"secrets/{declared[0]}" in PAGE


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_a_version_a_health_check_and_limits(name: str) -> None:
    service = SERVICES[name]

    assert re.fullmatch(r"(?:[a-z]+/)?[a-z]+:v?\d+\.\d+\.\d+", service["image"])  # and no registry's host
    assert "healthcheck" in service or name == "render"
    assert {"mem_limit", "pids_limit"} <= service.keys()
    assert "no-new-privileges:true" in service["security_opt"]
    for port in service.get("ports", []):
        assert port.startswith("127.0.0.1:")


def test_the_images_of_the_project_have_its_version() -> None:
    assert {SERVICES[name]["image"] for name in _OURS} == {f"filewallball:{__version__}"}
    assert default(COMPOSE["x-image"]["build"]["args"]["BASE"]) == instruction("ARG")[0].partition("=")[2]


def test_the_project_and_nginx_run_without_root_on_a_root_that_is_read_only() -> None:
    for name in (*_OURS, "nginx"):
        assert SERVICES[name]["read_only"]
        assert SERVICES[name]["cap_drop"] == ["ALL"]
    user, group = SERVICES["nginx"]["user"].split(":")
    assert user != "0"
    assert instruction("USER") == [f"{group}:{group}"]


def test_the_settings_are_settings_and_secrets_come_from_files() -> None:
    known = {name for name, _, _ in documented()}
    served = {name: default(value) for name, value in SERVICES["filewallball"]["environment"].items()}
    settings = load_settings(served)

    assert served.keys() <= known
    assert settings.secrets() == []
    assert settings.alert_webhook_secret_file == "/run/secrets/alert-webhook"
    given = [each for each in SERVICES["filewallball"]["secrets"] if isinstance(each, dict)]
    assert given == [{"source": "environment", "target": f"{instruction('WORKDIR')[-1]}/.env"}]


def test_nginx_and_prometheus_are_known_by_their_addresses_alone() -> None:
    settings = settings_of("filewallball")
    [network] = COMPOSE["networks"]["inside"]["ipam"]["config"]
    fixed = {
        name: service["networks"]["inside"]["ipv4_address"]
        for name, service in SERVICES.items()
        if isinstance(service["networks"], dict)
    }
    nginx, prometheus = fixed["nginx"], fixed["prometheus"]

    assert len(set(fixed.values())) == len(fixed) == 3
    for address in map(ipaddress.ip_address, fixed.values()):
        assert address in ipaddress.ip_network(network["subnet"])
        assert address not in ipaddress.ip_network(network["ip_range"])
    assert [str(each) for each in settings.trusted_proxies] == [f"{nginx}/32"]
    assert [str(each) for each in settings.monitoring_networks] == ["127.0.0.0/8", f"{prometheus}/32"]
    for name in ("nginx", "prometheus"):
        assert set(SERVICES[name]["networks"]) & set(SERVICES["filewallball"]["networks"]) == {"inside"}


def test_render_has_the_services_settings_but_for_where_nginx_reaches_it() -> None:
    rendered, served = SERVICES["render"]["environment"], SERVICES["filewallball"]["environment"]

    assert rendered == served | {"BIND": "filewallball"}
    assert f"server filewallball:{served['PORT']};" in nginx_configuration(settings_of("render"))


def test_what_render_writes_is_what_the_others_mount() -> None:
    out = SERVICES["render"]["command"][-1]
    written = {each.split(":")[0]: each.split(":")[1] for each in SERVICES["render"]["volumes"]}
    rendered = {f"{out}/{each.path}" for each in ARTIFACTS}
    folders = {path for volume, path in written.items() if volume.startswith("ops-")}

    assert all(any(path.startswith(f"{folder}/") for folder in folders) for path in rendered)
    assert "ops-nginx:/etc/nginx/conf.d:ro" in SERVICES["nginx"]["volumes"]
    for name in ("prometheus", "alertmanager"):
        [read] = [each for each in SERVICES[name]["command"] if each.startswith("--config.file=")]
        path = read.partition("=")[2]
        assert path in rendered
        assert f"{written[f'ops-{name}']}/" in path
        assert f"ops-{name}:{written[f'ops-{name}']}:ro" in SERVICES[name]["volumes"]
    assert SERVICES["grafana"]["environment"]["GF_PATHS_CONFIG"] in rendered


def test_prometheus_asks_services_at_ports_that_they_listen_on() -> None:
    found = yaml.safe_load(prometheus_configuration(settings_of("render")))
    jobs = found["scrape_configs"]
    asked = {target for job in jobs for static in job["static_configs"] for target in static["targets"]}

    assert asked == {"filewallball:8000", "alertmanager:9093", "localhost:9090"}
    assert found["alerting"]["alertmanagers"][0]["static_configs"] == [{"targets": ["alertmanager:9093"]}]


@pytest.mark.parametrize("url", ["http://localhost:8080", "https://files.example.org"])
def test_nginx_prometheus_and_alertmanager_accept_what_they_get(tmp_path: Path, url: str) -> None:
    settings = settings_of("render", PUBLIC_URL=url, **certificate(tmp_path))
    list(write(ARTIFACTS, settings, tmp_path))
    text = (ROOT / "ops/container/nginx.conf").read_text().replace("/etc/nginx/conf.d", f"{tmp_path}/nginx")
    (tmp_path / "nginx.conf").write_text(here(text, tmp_path))
    site = tmp_path / "nginx" / "filewallball.conf"
    site.write_text(here(site.read_text(), tmp_path))

    check("nginx", "-t", "-q", "-c", f"{tmp_path}/nginx.conf")
    check("promtool", "check", "config", f"{tmp_path}/prometheus/prometheus.yml")
    check("amtool", "check-config", f"{tmp_path}/alertmanager/alertmanager.yml")


def here(text: str, folder: Path) -> str:
    """nginx's configuration with paths and names that exist on this machine too."""
    for path in ("/var/cache/nginx", "/var/log/nginx", "/tmp/nginx.pid"):
        text = text.replace(f" {path}", f" {folder}/{Path(path).name}")
    return text.replace("server filewallball:", "server localhost:")


def certificate(folder: Path) -> dict[str, str]:
    """A self-signed certificate, and the settings that name it."""
    names = ("-keyout", f"{folder}/key.pem", "-out", f"{folder}/certificate.pem")
    check("openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=files.example.org", *names)
    return {"TLS_CERTIFICATE": f"{folder}/certificate.pem", "TLS_CERTIFICATE_KEY": f"{folder}/key.pem"}


def check(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_certificate_is_where_the_rendered_nginx_looks_for_it() -> None:
    settings = settings_of("render", PUBLIC_URL="https://files.example.org")

    assert settings.tls_certificate == "/run/secrets/tls-certificate"
    assert settings.tls_certificate_key == "/run/secrets/tls-key"
    assert TLS["services"]["nginx"]["secrets"] == ["tls-certificate", "tls-key"]
