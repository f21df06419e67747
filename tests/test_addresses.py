"""An address has one spelling, one packed form and one network that it is counted by."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filewallball.addresses import (
    UNKNOWN_CLIENT,
    NetworkSet,
    client_network,
    contains,
    normal_address,
    packed,
    read_network,
    shown_network,
    unknown_behind,
)

EVERYBODY = NetworkSet((read_network("0.0.0.0/0"), read_network("::/0")))
ADDRESSES = st.ip_addresses().map(str)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("192.0.2.07", None),
        ("192.0.2.7/32", None),
        ("localhost", None),
        (UNKNOWN_CLIENT, None),
        ("", None),
    ],
)
def test_an_address_has_one_spelling(text: str, normal: str | None) -> None:
    assert normal_address(text) == normal


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2002:c633:644d:5::1", "2002:c633:644d::/48"),
        ("64:ff9b::c633:644d", "64:ff9b::c633:644d"),
        ("fe80::1", "fe80::1"),
        ("2001:0:4136:e378::1", "2001:0:4136:e378::1"),
        ("::1", "::1"),
        (UNKNOWN_CLIENT, UNKNOWN_CLIENT),
    ],
)
def test_a_client_is_counted_by_its_network(address: str, network: str) -> None:
    assert client_network(address) == network


def test_unknown_clients_are_counted_by_their_proxy() -> None:
    assert (unknown_behind("192.0.2.1"), unknown_behind("")) == ("unknown:192.0.2.1", UNKNOWN_CLIENT)


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("10.1.2.3/8", "10.0.0.0/8"),
        ("2001:db8::5/32", "2001:db8::/32"),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ("::ffff:0:0/80", "::/80"),
    ],
)
def test_a_network_is_written_as_the_addresses_of_clients_are(text: str, network: str) -> None:
    assert str(read_network(text)) == network


@pytest.mark.parametrize(
    ("text", "strict"), [("nobody", False), ("10.1.2.3/8", True), ("10.0.0.0/33", False)]
)
def test_what_is_no_network_is_refused(text: str, strict: bool) -> None:
    with pytest.raises(ValueError, match=r"does not appear|has host bits set"):
        read_network(text, strict=strict)


@given(ADDRESSES)
def test_everybody_holds_every_address_but_no_unknown_one(address: str) -> None:
    assert contains(EVERYBODY, address)
    assert not contains(EVERYBODY, UNKNOWN_CLIENT)
    assert contains(
        (read_network(client_network(normal_address(address) or "")),), normal_address(address) or ""
    )


def test_an_address_lies_in_no_network_of_the_other_version() -> None:
    assert not contains((read_network("::/0"),), "192.0.2.7")
    assert not contains((read_network("0.0.0.0/0"),), "2001:db8::1")


@given(ADDRESSES)
def test_an_address_is_packed_as_ipv6(address: str) -> None:
    parsed = ipaddress.ip_address(address)
    wide = parsed if parsed.version == 6 else ipaddress.IPv6Address(f"::ffff:{parsed}")

    assert packed(address) == wide.packed


@pytest.mark.parametrize("text", [UNKNOWN_CLIENT, "", "192.0.2.7.", "nul\0"])
def test_what_is_no_address_has_no_packed_form(text: str) -> None:
    assert packed(text) == b""


def test_equal_sets_of_networks_are_remembered_together() -> None:
    again = NetworkSet(tuple(EVERYBODY))

    assert (again, hash(again)) == (EVERYBODY, hash(EVERYBODY))
    assert NetworkSet(EVERYBODY[:1]) != EVERYBODY


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("2002:cb00:714d::1", "2002:cb00:7100::/40"),  # 6to4 of 203.0.113.77
        ("64:ff9b::203.0.113.77", "64:ff9b::/48"),
        ("unknown", "unknown"),
    ],
)
def test_the_network_that_is_told_names_no_host(address: str, network: str) -> None:
    assert shown_network(address) == network
