"""The machine that the service runs on, as node_exporter sees it."""

from filewallball.ops.dashboards.dashboard import Row
from filewallball.ops.dashboards.panels import Look, of_host, timeseries

_DISK = 'device!~"(loop|ram|zram|dm-|md|sr).*"'

HOST = Row(
    "Host",
    (
        timeseries(
            "CPU",
            of_host(
                '100 * avg by (instance, mode) (rate(node_cpu_seconds_total{mode!="idle",@}[$__rate_interval]))',
                "{{mode}}",
            ),
            about="Share of all cores by what it went to.",
            look=Look("percent", most=100),
            stack=True,
        ),
        timeseries(
            "Memory",
            of_host("node_memory_MemTotal_bytes{@} - node_memory_MemAvailable_bytes{@}", "used"),
            of_host("node_memory_MemTotal_bytes{@}", "installed"),
            about="Used is what could not be had back; page cache is not in it.",
            look=Look("bytes"),
        ),
        timeseries(
            "Disk space",
            of_host(
                "100 - 100 * node_filesystem_avail_bytes"
                '{fstype!~"(tmpfs|ramfs|squashfs|devtmpfs)",@} / node_filesystem_size_bytes',
                "{{mountpoint}}",
            ),
            about="Used share of each file system, the store's among them.",
            look=Look("percent", yellow=75, red=90, most=100),
            runbook="storagefull",
        ),
        timeseries(
            "Disk work",
            of_host(f"sum(rate(node_disk_read_bytes_total{{{_DISK},@}}[$__rate_interval]))", "read"),
            of_host(f"sum(rate(node_disk_written_bytes_total{{{_DISK},@}}[$__rate_interval]))", "written"),
            about="All disks together.",
            look=Look("Bps"),
        ),
        timeseries(
            "Network",
            of_host(
                'sum by (device) (rate(node_network_receive_bytes_total{device!="lo",@}[$__rate_interval]))',
                "{{device}} in",
            ),
            of_host(
                'sum by (device) (rate(node_network_transmit_bytes_total{device!="lo",@}[$__rate_interval]))',
                "{{device}} out",
            ),
            about="Loopback is left out.",
            look=Look("Bps"),
        ),
        timeseries(
            "Load",
            of_host("node_load1{@}", "1 minute"),
            of_host("node_load15{@}", "15 minutes"),
            of_host('count by (instance) (node_cpu_seconds_total{mode="idle",@})', "cores"),
            about="Tasks that run or wait for a disk.",
        ),
    ),
)
