"""What a restore puts in place is there after a power cut."""

from pathlib import Path

from filewallball.backup.restore import place_keys, retire_anchor
from tests.fixtures.syncs import Sync


def test_restored_keys_and_the_retired_anchor_are_on_the_disk(tmp_path: Path, synced: list[Sync]) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup"
    backup.mkdir()
    (backup / "audit-key").write_text("key")

    place_keys(data, backup, ("audit-key",))
    (data / "audit-head").write_text("anchor")
    retire_anchor(data)

    assert synced == [
        Sync(tmp_path, ("backup", "data")),
        Sync(data / "audit-key"),
        Sync(data, ("audit-key",)),
        Sync(data, ("audit-head.before-restore", "audit-key")),
    ]
