"""A private clamd that knows the standard test file and one marker, nothing else."""

import socket
from pathlib import Path

from harness.servers.base import Server

# In two halves, so that no scanner takes this source for the test file itself.
EICAR = (r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EIC" + "AR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*").encode()
MARKER = b"filewallball-" + b"bad-bytes"
STREAM_LIMIT = 2 * 1024 * 1024


class Clamd(Server):
    """One scanner, on a TCP port and on a socket file; streams beyond 2 MiB are beyond its limit."""

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def socket_path(self) -> Path:
        return Path("/tmp") / f"clamd-{self.port}.sock"

    def command(self) -> list[str]:
        return ["clamd", "--foreground", "-c", str(self._configure())]

    def is_ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                connection.sendall(b"zPING\0")
                return connection.recv(16).startswith(b"PONG")
        except OSError:
            return False

    def kill(self) -> None:
        super().kill()
        self.socket_path.unlink(missing_ok=True)

    def _configure(self) -> Path:
        signatures = self.folder / "signatures"
        signatures.mkdir(exist_ok=True)
        (signatures / "local.ndb").write_text(
            f"Eicar.Test:0:0:{EICAR.hex()}\nCustom.Marker:0:*:{MARKER.hex()}\n"
        )
        path = self.folder / "clamd.conf"
        settings = {
            "DatabaseDirectory": signatures,
            "TemporaryDirectory": self.folder,
            "LocalSocket": self.socket_path,
            "TCPSocket": self.port,
            "TCPAddr": "127.0.0.1",
            "StreamMaxLength": STREAM_LIMIT,
            "MaxThreads": 4,
            "SelfCheck": 0,
        }
        path.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        return path
