"""Private real servers for the tests: loopback only, a free port and a folder of their own each."""

from harness.servers.alertmanager import Alertmanager
from harness.servers.browser import Browser
from harness.servers.clamd import Clamd
from harness.servers.collector import Collector
from harness.servers.copyparty import Copyparty
from harness.servers.disk import Disk
from harness.servers.front import Front
from harness.servers.gunicorn import Gunicorn
from harness.servers.mailbox import Mailbox
from harness.servers.mariadb import MariaDB
from harness.servers.nginx import Nginx
from harness.servers.node_exporter import NodeExporter
from harness.servers.prometheus import Prometheus
from harness.servers.redis import Redis
from harness.servers.relay import Relay
from harness.servers.seaweedfs import SeaweedFS
from harness.servers.service import Service

__all__ = [
    "Alertmanager",
    "Browser",
    "Clamd",
    "Collector",
    "Copyparty",
    "Disk",
    "Front",
    "Gunicorn",
    "Mailbox",
    "MariaDB",
    "Nginx",
    "NodeExporter",
    "Prometheus",
    "Redis",
    "Relay",
    "SeaweedFS",
    "Service",
]
