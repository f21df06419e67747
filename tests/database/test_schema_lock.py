"""Services that start together on one empty database: one makes the schema, and the others wait for it."""

from pathlib import Path

import pytest

from harness.servers import MariaDB
from harness.shell import Shell

pytestmark = pytest.mark.server


@pytest.mark.parametrize("database", ["sqlite", "mariadb"])
def test_of_several_who_prepare_a_database_all_succeed(
    database: str, tmp_path: Path, mariadb: MariaDB
) -> None:
    shell = Shell({"DATA_DIR": str(tmp_path), "ADMIN_TOKEN": "fwb_the-same-for-everybody"})
    if database == "mariadb":
        shell.environ["DATABASE_URL"] = mariadb.create_database()

    preparing = [shell.start("prepare") for _ in range(2)]

    assert [each.wait(120) for each in preparing] == [0, 0]
