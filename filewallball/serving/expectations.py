"""`Expect: 100-continue`: a client hears «continue» when its body is first read, so never before a refusal."""

import socket
from typing import Any

from gunicorn.http.body import Body

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class AwaitedBody(Body):
    """A request's body that the client sends only after `100 Continue`, which the first read sends."""

    def __init__(self, reader: Any, client: socket.socket) -> None:
        super().__init__(reader)
        self._client = client
        self.waits_for_continue = True

    def _read_reader(self, size: int) -> bytes:
        if self.waits_for_continue:
            self.waits_for_continue = False
            self._client.sendall(_CONTINUE)
        data: bytes = super()._read_reader(size)
        return data


def await_body(request: Any, client: socket.socket) -> None:
    """Keep gunicorn from sending `100 Continue` before the application has seen the request."""
    if request._expected_100_continue:
        request._expected_100_continue = False
        request.body = AwaitedBody(request.body.reader, client)
