"""A private Redis that keeps nothing on disk."""

import redis

from harness.servers.base import Server


class Redis(Server):
    """One empty Redis; what it held is gone after `stop` or `kill`."""

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        options = {"port": str(self.port), "bind": "127.0.0.1", "dir": str(self.folder), "save": ""}
        return ["redis-server", *(part for name, value in options.items() for part in (f"--{name}", value))]

    def is_ready(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def client(self) -> redis.Redis:
        """A connection of the test's own; close it, or use it in a `with`."""
        return redis.Redis.from_url(self.url, socket_timeout=5, socket_connect_timeout=5)

    def flush(self) -> None:
        with self.client() as client:
            client.flushall()
