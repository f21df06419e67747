"""While a lease is held nothing that is stored is unlinked; what its holder lost runs out."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, create_engine, insert, select, update
from sqlalchemy.exc import TimeoutError as PoolTimeout

from filewallball import errors
from filewallball.clock import now_us
from filewallball.database.connections import Database
from filewallball.files.sweep import Sweep
from filewallball.recording.system import system_operations
from filewallball.storage import leases as leases_module
from filewallball.storage.leases import LeaseWatch, lease, leases
from harness.parts import Parts
from harness.waiting import wait_until


@pytest.fixture
def sweep(app: Flask) -> Sweep:
    """The sweep of the app."""
    parts = Parts(app)
    return Sweep(parts.database, parts.store, system_operations(parts.app))


def test_a_lease_holds_the_sweep_back_until_it_is_given_back(
    client: FlaskClient, app: Flask, sweep: Sweep
) -> None:
    parts = Parts(app)
    uploaded = client.put("/upload/a.bin", data=b"to be deleted").get_json()
    client.delete(f"/files/{uploaded['file_id']}", headers={"X-Delete-Token": uploaded["delete_token"]})

    with lease(parts.database, "test"):
        for _ in range(3):
            sweep.run()
            sweep.clear_litter()
        kept = list(parts.store.blobs())
    for _ in range(3):
        sweep.run()

    assert len(kept) == 1
    assert list(parts.store.blobs()) == []


def test_a_lease_that_ran_out_holds_nothing(app: Flask) -> None:
    database = Parts(app).database
    with database.begin() as connection:
        connection.execute(insert(leases), {"lease_id": "lost", "purpose": "test", "expires_us": 1})

    watch = LeaseWatch(database)
    assert not watch.is_any_held()
    watch.drop_expired()
    with lease(database, "test") as held:
        held.require()
        assert watch.is_any_held()
    assert not watch.is_any_held()


@pytest.mark.parametrize("ahead_seconds", [-3600, 0, 3600])
def test_a_lease_is_held_for_ten_minutes_after_its_last_change_by_whatever_clock(
    app: Flask, ahead_seconds: int
) -> None:
    now = [1000.0]
    database = Parts(app).database
    watch = LeaseWatch(database, clock=lambda: now[0])
    expires_us = now_us() + ahead_seconds * 1_000_000
    values = {"lease_id": "of-another-host", "purpose": "test", "expires_us": expires_us}
    with database.begin() as connection:
        connection.execute(insert(leases), values)

    held = []
    for moment in (1000, 1599, 1600, 1601, 2200, 2201):
        now[0] = float(moment)
        if moment == 1601:  # its holder was only slow
            with database.begin() as connection:
                connection.execute(update(leases).values(expires_us=leases.c.expires_us + 1))
        held.append(watch.is_any_held())
    watch.drop_expired()

    assert held == [True, True, False, True, True, False]
    assert database.rows(select(leases)) == []


def test_a_lease_that_its_holder_could_not_renew_is_told(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with lease(Parts(app).database, "test") as held:
        monkeypatch.setattr(leases_module, "now_us", lambda: 1 << 60)
        held.require()  # whatever the wall clock says
        held.renewed -= 600
        with pytest.raises(errors.Unavailable):
            held.require()


def test_a_lease_is_renewed_again_once_a_connection_is_free(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = create_engine(database_url, pool_size=1, max_overflow=0, pool_timeout=0.05)
    reader = create_engine(database_url, isolation_level="AUTOCOMMIT")
    database = Database(writer, reader)
    refused: list[PoolTimeout] = []
    taking = writer.connect

    def connect() -> Connection:
        try:
            return taking()
        except PoolTimeout as error:
            refused.append(error)
            raise

    monkeypatch.setattr(writer, "connect", connect)
    monkeypatch.setattr(leases_module, "_RENEWED_SECONDS", 0.01)
    with lease(database, "test") as held:
        with taking():
            wait_until(lambda: refused, what="no connection was free")
            before = held.renewed
        wait_until(lambda: held.renewed > before, what="the lease is renewed")
    database.close()
