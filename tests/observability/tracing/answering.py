"""A collector that gives every batch the same answer, however strange."""

import socket
import socketserver
import threading
from dataclasses import dataclass

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

PROTOBUF = "Content-Type: application/x-protobuf"


@dataclass(frozen=True)
class Answer:
    """An answer; with a pause, its body comes a byte at a time."""

    status: str
    body: bytes = b""
    header: str = ""
    pause_seconds: float = 0.0


def rejecting(count: int) -> bytes:
    """The body of a partial success."""
    found = ExportTraceServiceResponse()
    found.partial_success.rejected_spans = count
    return bytes(found.SerializeToString())


class AnsweringCollector:
    """Listens in a thread; to be used as a context manager."""

    def __init__(self, answer: Answer) -> None:
        self.asked: list[bytes] = []
        """The heads of the requests."""
        self.was_cut_off = False
        """True once the sender has closed a connection amid an answer."""
        self._answer = answer
        self._ended = threading.Event()
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), self._serve)  # type: ignore[arg-type]
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "AnsweringCollector":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.socket.close()

    def _serve(self, connection: socket.socket, *_rest: object) -> None:
        head, _, rest = _until(connection, b"\r\n\r\n")
        self.asked.append(head)
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        while len(rest) < length:
            rest += connection.recv(65536)
        try:
            self._send(connection)
        except OSError:
            self.was_cut_off = True

    def _send(self, connection: socket.socket) -> None:
        answer, header = self._answer, f"{self._answer.header}\r\n" if self._answer.header else ""
        head = f"HTTP/1.1 {answer.status}\r\n{header}Connection: close\r\nContent-Length: {len(answer.body)}"
        connection.sendall(f"{head}\r\n\r\n".encode())
        if not answer.pause_seconds:
            connection.sendall(answer.body)
            return
        for byte in answer.body:
            connection.sendall(bytes([byte]))
            self._ended.wait(answer.pause_seconds)


def _until(connection: socket.socket, end: bytes) -> tuple[bytes, bytes, bytes]:
    data = b""
    while end not in data:
        data += connection.recv(65536)
    return data.partition(end)
