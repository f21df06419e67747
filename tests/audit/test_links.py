"""The audit list by link: what came by one link, and nothing else."""

from flask.testing import FlaskClient

from harness.parts import Parts, put_on_record
from tests.fixtures.audit_log import make_event


def test_the_requests_of_a_link_are_found(parts: Parts, admin: FlaskClient) -> None:
    links = ("one", "two", "one", "", "one ")
    put_on_record(parts, [make_event(link_id=link, request_id=f"req_{n}") for n, link in enumerate(links)])
    parts.sealer.run()

    def found(**query: str) -> list[str]:
        answer = admin.get("/api/v1/audit/logs", query_string=query)
        assert answer.status_code == 200
        return sorted(row["request_id"] for row in answer.get_json()["logs"])

    assert found(link_id="one") == ["req_0", "req_2"]
    assert found(link_id="one", action="read", status="success") == ["req_0", "req_2"]
    assert found(link_id="one", action="file:delete") == []
    assert found(link_id="on") == []
