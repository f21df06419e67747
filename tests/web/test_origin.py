"""The origin of requests: forwarding headers count only when a trusted proxy sends them, and then only its own hops."""

import logging

import pytest
from flask import Flask
from flask.testing import FlaskClient

from filewallball.addresses import UNKNOWN_CLIENT, contains
from filewallball.settings.loading import load_settings
from filewallball.web.forwarding import ForwardingWatch
from filewallball.web.origin import FORWARDING, Proxies
from harness.parts import Parts
from tests.access.people import Build, client_of

CLIENT, OTHER, LIE = "203.0.113.7", "203.0.113.99", "198.51.100.66"
PROXY, INNER = "192.0.2.1", "192.0.2.2"
HEADERS = (
    "X-Forwarded-For",
    "Forwarded",
    "X-Real-IP",
    "X-Client-IP",
    "X-Cluster-Client-IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "Client-IP",
    "X_Forwarded_For",
    "X-Originating-IP",
    "X-Remote-Addr",
    "Remote-Addr",
)
ME = "/api/v1/access/me"
OTHERS = [
    f"HTTP_{name}"
    for name in (
        *("X_FORWARDED_SSL", "X_FORWARDED_SCHEME", "X_FORWARDED_PREFIX", "X_FORWARDED_BY", "X_FORWARDED_URI"),
        *("X_FORWARDED_CLIENT_CERT", "X_FORWARDED_ANYTHING", "PROXY_CLIENT_IP", "WL_PROXY_CLIENT_IP"),
        *("FLY_CLIENT_IP", "X_PROXYUSER_IP", "CF_RAY", "X_AMZN_TRACE_ID"),
    )
]


@pytest.fixture
def behind(build: Build) -> Flask:
    """An app that trusts two proxies."""
    return build(TRUSTED_PROXIES=f"{PROXY}/32,{INNER}/32", MONITORING_NETWORKS="10.0.0.0/8")


def address(client: FlaskClient, **headers: str) -> str:
    return str(client.get(ME, headers=headers).get_json()["address"])


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("value", [LIE, f"for={LIE}", "127.0.0.1", "10.0.0.1"])
def test_no_header_of_an_untrusted_peer_changes_who_it_is(behind: Flask, header: str, value: str) -> None:
    client = client_of(behind, address=CLIENT)

    me = client.get(ME, headers={header: value}).get_json()

    assert (me["address"], me["peer_is_trusted"]) == (CLIENT, False)
    assert "stats:read" not in me["permissions"]


@pytest.mark.parametrize("header", HEADERS[1:])
def test_a_trusted_proxy_vouches_by_one_header_alone(behind: Flask, header: str) -> None:
    sent = {header: LIE, "X-Forwarded-For": CLIENT}

    if (
        header == "X_Forwarded_For"
    ):  # to WSGI both are one header; a server that tells them apart drops this one
        sent = {"X-Forwarded-For": CLIENT}
    assert client_of(behind, address=PROXY).get(ME, headers=sent).get_json()["address"] == CLIENT


@pytest.mark.parametrize(
    ("peer", "chain", "expected"),
    [
        (PROXY, CLIENT, CLIENT),
        (PROXY, f"{LIE}, {CLIENT}", CLIENT),
        (PROXY, f"{LIE}, {CLIENT}, {INNER}", CLIENT),
        (INNER, f"{LIE},{CLIENT},{PROXY}", CLIENT),
        (PROXY, f"{INNER}, {CLIENT}", CLIENT),
        (PROXY, f"{PROXY}, {INNER}", PROXY),
        (PROXY, f"{CLIENT}, nonsense", UNKNOWN_CLIENT),
        (PROXY, f"{LIE}, nonsense, {CLIENT}", CLIENT),
        (PROXY, "", UNKNOWN_CLIENT),
        (PROXY, ", ".join([PROXY] * 20), PROXY),
        (PROXY, ", ".join([PROXY] * 21), UNKNOWN_CLIENT),
        (PROXY, ", ".join([CLIENT, *[PROXY] * 19]), CLIENT),
        (PROXY, ", ".join([CLIENT, *[PROXY] * 20]), UNKNOWN_CLIENT),
        (PROXY, ", ".join([LIE, CLIENT, *[PROXY] * 19]), CLIENT),
        (PROXY, ", ".join([LIE] * 50 + [CLIENT, *[PROXY] * 19]), CLIENT),
        (PROXY, ", ".join([LIE, CLIENT, *[PROXY] * 20]), UNKNOWN_CLIENT),
        (PROXY, "," + ",".join([PROXY] * 20), UNKNOWN_CLIENT),
        (PROXY, "2001:db8::1", "2001:db8::1"),
        (PROXY, "::ffff:203.0.113.7", CLIENT),
        (PROXY, "127.0.0.1", "127.0.0.1"),
        (PROXY, ", ".join([LIE] * 1000 + [CLIENT]), CLIENT),
        (OTHER, f"{CLIENT}, {PROXY}", OTHER),
        (OTHER, PROXY, OTHER),
    ],
)
def test_a_chain_is_believed_as_far_as_trusted_proxies_wrote_it(
    behind: Flask, peer: str, chain: str, expected: str
) -> None:
    assert address(client_of(behind, address=peer), **{"X-Forwarded-For": chain}) == expected


def test_a_trusted_proxy_without_any_forwarding_header_speaks_for_itself(behind: Flask) -> None:
    me = client_of(behind, address=PROXY).get(ME).get_json()

    assert (me["address"], me["counted_as"]) == (PROXY, PROXY)


@pytest.mark.parametrize("header", [*FORWARDING[1:], *OTHERS])
@pytest.mark.parametrize("value", [CLIENT, f"for={CLIENT}", ""])
def test_a_proxy_that_forwards_by_another_header_alone_has_unknown_clients(header: str, value: str) -> None:
    proxies = Proxies(load_settings({"TRUSTED_PROXIES": PROXY}).trusted_proxies)

    origin = proxies.origin({"REMOTE_ADDR": PROXY, header: value})

    assert (origin.client_ip, origin.gives_rights) == (UNKNOWN_CLIENT, False)
    assert not proxies.origin({"REMOTE_ADDR": OTHER, header: value}).gives_rights


@pytest.mark.parametrize(
    "header", ["HTTP_ACCEPT", "HTTP_X_FORWARDER", "HTTP_FOO_HTTP_X_FORWARDED_SSL", "X_FORWARDED_SSL"]
)
def test_other_headers_forward_nothing(header: str) -> None:
    proxies = Proxies(load_settings({"TRUSTED_PROXIES": PROXY}).trusted_proxies)

    origin = proxies.origin({header: "1", "REMOTE_ADDR": PROXY})

    assert (origin.client_ip, origin.gives_rights) == (PROXY, True)


@pytest.mark.parametrize(
    ("peer", "address", "gives_rights"),
    [
        ("", "127.0.0.1", True),
        ("::ffff:127.0.0.1", "127.0.0.1", True),
        ("/run/client.sock", UNKNOWN_CLIENT, False),
        ("unix:", UNKNOWN_CLIENT, False),
        ("localhost", UNKNOWN_CLIENT, False),
        ("127.0.0.1:51234", UNKNOWN_CLIENT, False),
        (UNKNOWN_CLIENT, UNKNOWN_CLIENT, False),
    ],
)
@pytest.mark.parametrize("trusted", ["", "127.0.0.0/8,::1/128", "0.0.0.0/0,::/0"])
def test_only_a_peer_without_a_name_is_one_on_a_unix_socket(
    peer: str, address: str, gives_rights: bool, trusted: str
) -> None:
    proxies = Proxies(load_settings({"TRUSTED_PROXIES": trusted}).trusted_proxies)

    origin = proxies.origin({"REMOTE_ADDR": peer})
    forwarded = proxies.origin({"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": CLIENT})

    assert (origin.client_ip, origin.peer, origin.gives_rights) == (address, address, gives_rights)
    assert forwarded.client_ip == (CLIENT if trusted and gives_rights else address)


def test_a_forwarded_request_gets_no_rights_from_an_untrusted_address(build: Build) -> None:
    app = build()

    assert client_of(app).get("/metrics").status_code == 200
    assert client_of(app).get("/metrics", headers={"X-Forwarded-For": CLIENT}).status_code == 401


def test_a_missing_proxy_setting_is_noticed(caplog: pytest.LogCaptureFixture) -> None:
    proxies = Proxies(load_settings({}).trusted_proxies)
    shown: list[bool] = []
    proxies.watch.show_suspect = shown.append

    with caplog.at_level(logging.WARNING, "filewallball.access"):
        for number in range(100):
            headers = {"HTTP_X_FORWARDED_FOR": CLIENT} if number % 3 else {}
            proxies.origin({"REMOTE_ADDR": PROXY, **headers})
        proxies.watch.judge()
        proxies.watch.judge()

    assert shown == [True]
    assert "TRUSTED_PROXIES" in caplog.text


def test_forwarding_headers_from_many_addresses_are_no_reason_to_warn() -> None:
    watch = ForwardingWatch()
    shown: list[bool] = []
    watch.show_suspect = shown.append
    for number in range(100):
        watch.note(f"203.0.113.{number}", True)

    watch.judge()

    assert shown == [False]


def test_trusted_proxies_are_not_suspect(behind: Flask) -> None:
    shown: list[bool] = []
    watch = Parts(behind).proxies.watch
    watch.show_suspect = shown.append
    for _ in range(60):
        address(client_of(behind, address=PROXY), **{"X-Forwarded-For": CLIENT})

    watch.judge()

    assert shown == [False]


def test_an_unreadable_hop_is_told_once_for_each_proxy(caplog: pytest.LogCaptureFixture) -> None:
    proxies = Proxies(load_settings({"TRUSTED_PROXIES": f"{PROXY},{INNER}"}).trusted_proxies)

    with caplog.at_level(logging.WARNING, "filewallball.access"):
        for _ in range(3):
            proxies.origin({"REMOTE_ADDR": PROXY, "HTTP_X_FORWARDED_FOR": "_hidden\x1b[2J"})
            proxies.origin({"REMOTE_ADDR": INNER, "HTTP_FORWARDED": f"for={CLIENT}"})
            proxies.watch.judge()

    told = {(vars(record)["proxy"], vars(record)["hop"]) for record in caplog.records}
    assert len(caplog.records) == 2
    assert told == {(PROXY, "_hidden\ufffd[2J"), (INNER, "no X-Forwarded-For")}


def test_a_network_written_as_ipv4_mapped_holds_the_addresses_it_means() -> None:
    settings = load_settings(
        {"TRUSTED_PROXIES": "::ffff:192.0.2.0/120", "MONITORING_NETWORKS": "::ffff:10.0.0.1"}
    )
    proxies = Proxies(settings.trusted_proxies)

    assert proxies.trusts(PROXY)
    assert not proxies.trusts(CLIENT)
    assert contains(settings.monitoring_networks, "10.0.0.1")
