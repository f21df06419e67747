"""Rows as the routes of the audit log show them."""

import pytest
from flask.testing import FlaskClient

from filewallball.audit.schemas import AuditEventSchema

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_rows_are_what_their_schema_would_make_of_them(admin: FlaskClient) -> None:
    admin.put("/upload/a.txt", data=b"words")
    rows = admin.get("/api/v1/audit/logs").get_json()["logs"]
    schema = AuditEventSchema()

    assert "file:upload" in {row["action"] for row in rows}
    for row in rows:
        assert list(row) == list(schema.dump_fields)
        assert schema.dump(row) == row
