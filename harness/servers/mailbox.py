"""A real SMTP server in the test's own process that keeps what it is given."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

from harness.servers.base import free_port


class Mailbox:
    """`messages` has every e-mail in order."""

    def __init__(self) -> None:
        self.port = free_port()
        self.messages: list[EmailMessage] = []
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
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


def _text(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    return str(body.get_content()) if body is not None else ""
