"""Private real servers for the tests: loopback only, a free port and a folder of their own each."""

from tests.servers.alertmanager import Alertmanager
from tests.servers.browser import Browser
from tests.servers.clamd import Clamd
from tests.servers.front import Front
from tests.servers.gunicorn import Gunicorn
from tests.servers.mailbox import Mailbox
from tests.servers.mariadb import MariaDB
from tests.servers.nginx import Nginx
from tests.servers.node_exporter import NodeExporter
from tests.servers.prometheus import Prometheus
from tests.servers.redis import Redis
from tests.servers.relay import Relay
from tests.servers.service import Service

__all__ = [
    "Alertmanager",
    "Browser",
    "Clamd",
    "Front",
    "Gunicorn",
    "Mailbox",
    "MariaDB",
    "Nginx",
    "NodeExporter",
    "Prometheus",
    "Redis",
    "Relay",
    "Service",
]
