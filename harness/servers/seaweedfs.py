"""A private SeaweedFS: one process with a master, a volume server and a filer, which reports to nobody."""

from pathlib import Path

import requests

from harness.servers.base import Server, free_port

_PARTS = ("master", "volume", "filer")


class SeaweedFS(Server):
    """`program` is the installed command; the filer answers on `port`."""

    def __init__(self, folder: Path, program: Path) -> None:
        super().__init__(folder)
        self._program = program
        self._ports = {part: free_port() for part in _PARTS} | {"filer": self.port}
        self._grpc_ports = {part: free_port() for part in _PARTS}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        ports = [f"-{part}.port={port}" for part, port in self._ports.items()]
        ports += [f"-{part}.port.grpc={port}" for part, port in self._grpc_ports.items()]
        return [
            str(self._program),
            "-logtostderr",
            "server",
            "-filer",
            f"-dir={self.folder}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-master.telemetry=false",
            "-master.volumeSizeLimitMB=512",
            "-volume.max=100",
            "-volume.minFreeSpace=1",
            *ports,
        ]

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "HOME": str(self.folder)}

    def is_ready(self) -> bool:
        """True if it takes a file, which it does some time after it listens."""
        try:
            return requests.put(f"{self.url}/ready", data=b"ready", timeout=5).ok
        except requests.RequestException:
            return False

    def kill(self) -> None:
        super().kill()
        for port in (*self._ports.values(), *self._grpc_ports.values()):
            for socket in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                socket.unlink(missing_ok=True)
