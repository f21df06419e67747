"""A real SMTP server in the test's own process that keeps what it is given."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from harness.servers.base import free_port


class Mailbox:
    """`messages` has every e-mail in order."""

    def __init__(self) -> None:
        self.port = free_port()
        self.messages: list[EmailMessage] = []
        self._controller = _Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - its own name
        """Called by the server for each e-mail."""
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        return "250 kept"

    def texts(self) -> list[str]:
        """The text of every e-mail, in order."""
        return [_text(message) for message in list(self.messages)]

    def close(self) -> None:
        self._controller.stop()


class _Controller(Controller):
    """Closes what clients left open when it stops; the library leaves that to the garbage collector, which warns."""

    def __init__(self, handler: Mailbox, hostname: str, port: int) -> None:
        self._connections: list[SMTP] = []
        super().__init__(handler, hostname=hostname, port=port)

    def factory(self) -> SMTP:
        connection: SMTP = super().factory()  # type: ignore[no-untyped-call]
        self._connections.append(connection)
        return connection

    def stop(self, no_assert: bool = False) -> None:
        self.loop.call_soon_threadsafe(self._hang_up)
        super().stop(no_assert)

    def _hang_up(self) -> None:
        for connection in self._connections:
            if connection.transport is not None:
                connection.transport.close()


def _text(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    return str(body.get_content()) if body is not None else ""
