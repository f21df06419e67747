"""The client that each form of X-Forwarded-For yields: the one that a proxy names, or an unknown one without rights."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filewallball.addresses import UNKNOWN_CLIENT, contains
from filewallball.settings.loading import load_settings
from filewallball.web.origin import Proxies, hop_address

V4, V6, LIE = "203.0.113.9", "2001:db8::1", "198.51.100.66"
LOCAL, BALANCER = "127.0.0.1", "192.0.2.1"
PROXIES = Proxies(load_settings({"TRUSTED_PROXIES": f"127.0.0.0/8,{BALANCER}/32"}).trusted_proxies)
EVERYBODY = load_settings({"MONITORING_NETWORKS": "0.0.0.0/0,::/0"}).monitoring_networks

FORMS = [
    ("nginx $remote_addr", V4, V4),
    ("nginx $remote_addr, IPv6", V6, V6),
    ("nginx $proxy_add_x_forwarded_for", f"{LIE}, {V4}", V4),
    ("nginx $proxy_add_x_forwarded_for behind another nginx", f"{LIE}, {V4}, {BALANCER}", V4),
    ("nginx $remote_addr:$remote_port", f"{V4}:51234", V4),
    ("HAProxy option forwardfor", V4, V4),
    ("HAProxy option forwardfor, IPv6", V6, V6),
    ("HAProxy option forwardfor, a line of its own after the client's", f"{LIE},{V4}", V4),
    ("HAProxy http-request set-header with %[src]:%[src_port]", f"{V4}:51234", V4),
    ("Envoy use_remote_address", f"{LIE},{V4}", V4),
    ("Envoy use_remote_address, IPv6", f"{LIE},{V6}", V6),
    ("Traefik", f"{LIE}, {V4}", V4),
    ("Traefik and others written in Go, link-local with a zone", "fe80::1%eth0", "fe80::1"),
    ("Go's RemoteAddr with a zone", "[fe80::1%eth0]:51234", "fe80::1"),
    ("AWS ALB, append", f"{LIE}, {V4}", V4),
    ("AWS ALB, IPv6 in capitals", "2001:DB8::21F:5BFF:FEBF:CE22:8A2E", "2001:db8:0:21f:5bff:febf:ce22:8a2e"),
    ("AWS ALB, client port preserved", f"{V4}:51234", V4),
    ("AWS ALB, client port preserved, IPv6", f"[{V6}]:51234", V6),
    ("AWS ALB, client port preserved, append", f"{LIE}:1, {V4}:51234", V4),
    ("AWS CloudFront", f"{LIE}, {V4}", V4),
    ("AWS API Gateway through CloudFront", f"{V4}, {BALANCER}", V4),
    ("Azure Application Gateway", f"{V4}:51234", V4),
    ("Azure Application Gateway, behind another", f"{LIE}:1, {V4}:51234, {BALANCER}:443", V4),
    ("Azure Application Gateway without ports", V4, V4),
    ("Azure App Service, IPv6", f"[{V6}]:51234", V6),
    ("Azure Front Door", f"{LIE}, {V4}", V4),
    ("Cloudflare", f"{LIE},{V4}", V4),
    ("Cloudflare, IPv6", V6, V6),
    ("Google Cloud load balancer", f"{LIE},{V4},{BALANCER}", V4),
    ("NetScaler, FortiGate, IIS: IPv6 in brackets", f"[{V6}]", V6),
    ("a dual-stack socket", f"::ffff:{V4}", V4),
    ("a dual-stack socket in hexadecimal", "[::ffff:cb00:7109]:51234", V4),
    ("blanks and tabs", f"\t {LIE} ,\t{V4}\t ", V4),
    ("an unreadable hop before the client's proxy", f"unknown, , _hidden, {V4}", V4),
    ("the operator's own request through a proxy here", LOCAL, LOCAL),
    ("a proxy that asks through another", f"{BALANCER}, {LOCAL}", BALANCER),
    ("port 0 and the highest", f"{V4}:0,{BALANCER}:65535", V4),
]
UNREADABLE = [
    ("nothing", ""),
    ("blanks", " \t"),
    ("a comma", ","),
    ("a comma at the end", f"{V4},"),
    ("a comma before a proxy", f"{V4},,{BALANCER}"),
    ("nginx listening on a unix socket", "unix:"),
    ("Squid forwarded_for off", "unknown"),
    ("Squid forwarded_for off, behind another proxy", f"unknown, {BALANCER}"),
    ("RFC 7239, obfuscated", "_hidden"),
    ("RFC 7239, obfuscated port", f"{V4}:_port"),
    ("RFC 7239, quoted", f'"{V4}"'),
    ("RFC 7239, quoted with a port", f'"[{V6}]:51234"'),
    ("RFC 7239, a pair", f"for={V4}"),
    ("a name", "client.example.org"),
    ("loopback by name", "localhost"),
    ("a network", f"{V4}/32"),
    ("a variable not replaced", "$remote_addr"),
    ("leading zeros", "127.0.0.01"),
    ("octal", "0177.0.0.1"),
    ("decimal", "2130706433"),
    ("hexadecimal", "0x7f000001"),
    ("a short form", "127.1"),
    ("an octet too large", "203.0.113.256"),
    ("a fifth octet", "203.0.113.9.1"),
    ("a port too large", f"{V4}:65536"),
    ("a port of six digits", f"{V4}:000080"),
    ("a negative port", f"{V4}:-1"),
    ("no port after the colon", f"{V4}:"),
    ("two ports", f"{V4}:80:80"),
    ("other digits", "１２７.0.0.1"),
    ("a port in other digits", f"{V4}:８０"),
    ("IPv6 with a port and no brackets", f"{V6}:51234"),
    ("IPv6, whole, with a port and no brackets", "2001:db8:0:0:0:0:0:1:443"),
    ("IPv4 in brackets", f"[{V4}]"),
    ("a bracket not closed", f"[{V6}"),
    ("a bracket not opened", f"{V6}]:80"),
    ("empty brackets", "[]:80"),
    ("two brackets", f"[[{V6}]]"),
    ("text before the bracket", f"x[{V6}]:80"),
    ("text after the bracket", f"[{V6}]x:80"),
    ("a user before the address", f"user@{V4}:80"),
    ("a path after it", f"{V4}:80/"),
    ("a scheme before it", f"http://{V4}"),
    ("a no-break space", f"{V4}\xa0"),
    ("two addresses without a comma", f"{V4} {LIE}"),
    ("a semicolon between them", f"{V4};{LIE}"),
    ("a zone without a name", "fe80::1%"),
    ("a zone of an IPv4 address", f"{V4}%eth0"),
    ("very long", "[" + ":" * 7000 + "]"),
]


@pytest.mark.parametrize(("chain", "client"), [form[1:] for form in FORMS], ids=[form[0] for form in FORMS])
@pytest.mark.parametrize("peer", [LOCAL, ""])
def test_the_client_that_a_proxy_names_is_read(peer: str, chain: str, client: str) -> None:
    origin = PROXIES.origin({"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": chain})

    assert (origin.client_ip, origin.gives_rights) == (client, True)


@pytest.mark.parametrize("chain", [form[1] for form in UNREADABLE], ids=[form[0] for form in UNREADABLE])
def test_a_client_that_cannot_be_read_is_unknown_and_has_no_rights(chain: str) -> None:
    origin = PROXIES.origin({"REMOTE_ADDR": LOCAL, "HTTP_X_FORWARDED_FOR": chain})

    assert (origin.client_ip, origin.gives_rights) == (UNKNOWN_CLIENT, False)
    assert not contains(EVERYBODY, origin.client_ip)


def test_unknown_clients_are_counted_by_the_proxy_that_does_not_name_them() -> None:
    near = PROXIES.origin({"REMOTE_ADDR": LOCAL, "HTTP_X_FORWARDED_FOR": f"{V4}, unknown"})
    far = PROXIES.origin({"REMOTE_ADDR": LOCAL, "HTTP_X_FORWARDED_FOR": f"unknown, {BALANCER}"})

    assert (near.counted_as, far.counted_as) == (f"unknown:{LOCAL}", f"unknown:{BALANCER}")


_PARTS = st.sampled_from(
    [V4, V6, LIE, LOCAL, BALANCER, "unknown", *'[]:%,."; \t0189af', "127.", "::", "51234"]
)
_VALUES = st.one_of(
    st.lists(_PARTS, max_size=12).map("".join),
    st.lists(_PARTS, max_size=30).map(",".join),
    st.text(st.characters(max_codepoint=255)),
)


@given(_VALUES)
def test_whatever_is_sent_the_client_is_an_address_of_the_chain_or_unknown_without_rights(chain: str) -> None:
    origin = PROXIES.origin({"REMOTE_ADDR": LOCAL, "HTTP_X_FORWARDED_FOR": chain})

    if origin.client_ip == UNKNOWN_CLIENT:
        assert not origin.gives_rights
        return
    assert str(ipaddress.ip_address(origin.client_ip)) == origin.client_ip
    hops = [hop_address(hop) for hop in chain.split(",")]
    ours = [address is not None and PROXIES.trusts(address) for address in hops]
    if PROXIES.trusts(origin.client_ip):
        assert all(ours)
        assert hops[0] == origin.client_ip
    else:
        at = len(hops) - 1 - hops[::-1].index(origin.client_ip)
        assert all(ours[at + 1 :]), "each trusted proxy vouches for the hop before its own"
