"""The tests' own process reaches nothing but this machine."""

import socket

import pytest


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "fileserver.example"])
def test_an_address_outside_this_machine_is_refused(host: str) -> None:
    with pytest.raises(PermissionError, match=host):
        socket.create_connection((host, 80), timeout=1)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_is_allowed(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection((host, port), timeout=5) as connection:
            assert connection.getpeername()[1] == port
