"""Probes of the database, Redis, the storage and the journal: the path that a request takes, in small."""

import os
import secrets
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import Connection

from filewallball import errors
from filewallball.database.connections import Database
from filewallball.health.checks import LONGEST_WAIT_SECONDS, Probe
from filewallball.storage.local import LocalStore

_CANARY_KEY = "filewallball:health:"


def database_probe(database: Database, pool_size: int) -> Probe:
    """A query on a pooled connection; on MariaDB also how many connections the server has, and may have.

    It writes nothing, because it would wait for locks: a job writes every few seconds, and what that or any change was
    refused is told here.
    """

    def look(connection: Connection) -> Mapping[str, Any]:
        active, most = database.dialect.connection_counts(connection, database.open_connections)
        return {"active_connections": active, "max_connections": most, "connection_pool_size": pool_size}

    def probe() -> Mapping[str, Any]:
        found = database.query(look)
        if problem := database.refusals.problem:
            raise errors.Unavailable(f"{problem} Changes are refused; what is stored is still served.")
        return found

    return probe


def redis_probe(url: str, timeout: timedelta) -> Probe:
    """Write and read back a key, then ask for memory and clients."""
    seconds = min(timeout.total_seconds(), LONGEST_WAIT_SECONDS)
    client = redis.Redis.from_url(
        url,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )

    def probe() -> Mapping[str, Any]:
        token = secrets.token_hex(8)
        key = _CANARY_KEY + token
        try:
            client.set(key, token, ex=60)
            if client.get(key) != token:
                raise errors.Unavailable("The canary read back differently.")
            client.delete(key)
            info: dict[str, Any] = client.info()
        except redis.RedisError:
            client.connection_pool.disconnect()
            raise
        return {
            "memory_used": int(info["used_memory"]),
            "memory_max": int(info.get("maxmemory") or info.get("total_system_memory") or 0),
            "connected_clients": int(info["connected_clients"]),
        }

    return probe


def storage_probe(store: LocalStore) -> Probe:
    """Write, sync, read back and drop a few bytes where uploads begin; then free bytes and inodes."""

    def probe() -> Mapping[str, Any]:
        problem = ""
        try:
            _canary(store)
        except errors.StorageFull:
            problem = "no space beyond the reserve: uploads are refused"
        found, space = os.statvfs(store.root), store.space()
        return {
            "problem": problem,
            "total_space": space.total,
            "used_space": space.used,
            "free_space": space.free,
            "utilization": space.utilization_percent,
            "inodes_used": found.f_files - found.f_ffree,
            "inodes_total": found.f_files,
        }

    return probe


def journal_probe(append: Callable[[], None], waiting: Callable[[], Mapping[str, Any]]) -> Probe:
    """Append a line that means nothing: where that fails, every operation is refused. Then how much waits there."""

    def probe() -> Mapping[str, Any]:
        append()
        return waiting()

    return probe


def _canary(store: LocalStore) -> None:
    content = secrets.token_bytes(64)
    with store.stage(max_bytes=len(content)) as stage:
        stage.write(content)
        stage.sync()
        stage.seek(0)
        if stage.read() != content:
            raise errors.StorageFailed("The canary read back differently.")
