"""A private node_exporter: what this machine's processors, memory, disks and network do."""

from harness.servers.base import Server


class NodeExporter(Server):
    """Serves `/metrics` about the machine that the tests run on."""

    def command(self) -> list[str]:
        return ["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"]
