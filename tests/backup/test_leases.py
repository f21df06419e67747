"""While a lease is held nothing that is stored is unlinked; what its holder lost runs out."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert

from filewallball.files.sweep import Sweep
from filewallball.serving import maintenance
from filewallball.storage.leases import drop_expired, is_any_held, lease, leases
from harness.parts import Parts


@pytest.fixture
def sweep(app: Flask) -> Sweep:
    """The sweep of the app."""
    parts = Parts(app)
    return Sweep(parts.database, parts.store, maintenance.system_operations(parts.app))


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

    assert not is_any_held(database)
    drop_expired(database)
    with lease(database, "test") as held:
        held.require()
        assert is_any_held(database)
    assert not is_any_held(database)
