"""Whose request it is: forwarding headers count only when a trusted proxy sends them, and then only its own hops."""

import logging

import pytest
from flask import Flask
from flask.testing import FlaskClient

from filewallball.settings.service import load_settings
from filewallball.web.forwarding import ForwardingWatch
from filewallball.web.origin import Proxies
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
        (PROXY, f"{CLIENT}, nonsense", PROXY),
        (PROXY, f"{LIE}, nonsense, {CLIENT}", CLIENT),
        (PROXY, "", PROXY),
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
