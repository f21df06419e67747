"""Short ways to put bytes into a store and to look at what is there."""

from pathlib import Path

from filewallball.storage.local import LocalStore

MIB = 1024 * 1024
UNKNOWN = f"ab/cd/abcd{'0' * 60}.{'1' * 16}"


def publish(store: LocalStore, content: bytes) -> str:
    with store.stage(max_bytes=1024 * MIB) as stage:
        stage.write(content)
        return store.publish(stage)


def files_under(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if not path.is_dir()}


def earlier_path(path: str) -> str:
    """The path that an earlier release would have given a blob."""
    name = path.rpartition("/")[2]
    return f"{name[:2]}/{name[2:4]}/{name}"
