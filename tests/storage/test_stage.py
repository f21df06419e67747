"""The promises of a stage while bytes arrive: right digest, firm limits, one lock, no trace of an early end."""

import fcntl
import hashlib
import io
import os
import stat
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.formparser import FormDataParser

from filewallball.errors import FileTooLarge, StorageFailed, StorageFull
from filewallball.storage.local import LocalStore
from filewallball.storage.stage import HEAD_BYTES, Stage

MIB = 1024 * 1024


def staged_files(store: LocalStore) -> list[Path]:
    return list(store.staging.iterdir())


def fill(stage: Stage) -> None:
    while True:
        stage.write(bytes(64 * 1024))


def held_by_somebody(location: Path) -> bool:
    with location.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def test_it_hashes_counts_and_keeps_the_head_of_what_is_written(store: LocalStore) -> None:
    pieces = [os.urandom(1000), b"", os.urandom(5000), os.urandom(70_000)]
    with store.stage(max_bytes=MIB) as stage:
        for piece in pieces:
            assert stage.write(piece) == len(piece)

        whole = b"".join(pieces)
        assert stage.size == len(whole)
        assert stage.sha256 == hashlib.sha256(whole).hexdigest()
        assert stage.head == whole[:HEAD_BYTES]
        assert stage.location.read_bytes() == whole


@given(pieces=st.lists(st.binary(max_size=3000), max_size=12))
def test_the_way_bytes_are_cut_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]
) -> None:
    store = LocalStore(tmp_path_factory.mktemp("store"), min_free_bytes=0)
    store.prepare()
    whole = b"".join(pieces)
    with store.stage(max_bytes=MIB) as stage:
        for piece in pieces:
            stage.write(memoryview(bytearray(piece)))
        stage.seek(0)

        assert stage.read() == whole
        assert (stage.size, stage.head) == (len(whole), whole[:HEAD_BYTES])
        assert stage.sha256 == hashlib.sha256(whole).hexdigest()


def test_an_empty_stage_is_an_empty_file(store: LocalStore) -> None:
    with store.stage(max_bytes=MIB) as stage:
        assert (stage.size, stage.head) == (0, b"")
        assert stage.sha256 == hashlib.sha256().hexdigest()


def test_exactly_the_limit_is_accepted(store: LocalStore) -> None:
    with store.stage(max_bytes=10) as stage:
        stage.write(b"12345")
        stage.write(b"67890")

        assert stage.size == 10


def test_one_byte_over_the_limit_is_refused_and_never_published(store: LocalStore) -> None:
    with store.stage(max_bytes=10) as stage:
        stage.write(b"1234567890")
        with pytest.raises(FileTooLarge):
            stage.write(b"1")

        assert stage.location.stat().st_size == 10
        with pytest.raises(StorageFailed):
            store.publish(stage)
    assert list(store.blobs()) == []
    assert staged_files(store) == []


def test_leaving_the_block_drops_the_file(store: LocalStore) -> None:
    with store.stage(max_bytes=MIB) as stage:
        stage.write(b"half of it")

    assert stage.closed
    assert staged_files(store) == []


def test_a_forgotten_stage_drops_its_file(store: LocalStore) -> None:
    store.stage(max_bytes=MIB).write(b"nobody keeps this")

    assert staged_files(store) == []


def test_discarding_again_and_again_is_fine(store: LocalStore) -> None:
    stage = store.stage(max_bytes=MIB)
    for _ in range(3):
        stage.discard()
        stage.close()

    assert staged_files(store) == []
    with pytest.raises(ValueError, match="closed"):
        stage.write(b"late")


def test_no_descriptor_is_left_behind(store: LocalStore) -> None:
    before = psutil.Process().num_fds()
    for number in range(50):
        with store.stage(max_bytes=MIB) as stage:
            stage.write(bytes([number]))
            if number % 2:
                store.publish(stage)

    assert psutil.Process().num_fds() == before


def test_it_is_locked_from_creation_until_it_is_closed(store: LocalStore) -> None:
    with store.stage(max_bytes=MIB) as stage:
        assert held_by_somebody(stage.location)
        store.publish(stage)
        assert held_by_somebody(stage.location)

    assert not held_by_somebody(stage.location)


def test_its_descriptor_is_not_inherited_by_programs(store: LocalStore) -> None:
    with store.stage(max_bytes=MIB) as stage:
        assert not os.get_inheritable(stage.fileno())


def test_its_file_cannot_be_executed_nor_read_by_others(store: LocalStore) -> None:
    with store.stage(max_bytes=MIB) as stage:
        assert stat.S_IMODE(stage.location.stat().st_mode) & 0o137 == 0


def test_a_folder_swapped_for_a_link_is_not_followed(store: LocalStore, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    store.staging.rmdir()
    store.staging.symlink_to(outside)

    with pytest.raises(StorageFailed):
        store.stage(max_bytes=MIB)

    assert list(outside.iterdir()) == []


def test_the_multipart_parser_writes_straight_into_it(store: LocalStore) -> None:
    content = os.urandom(3 * MIB + 1)
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        + content
        + b"\r\n--x--\r\n"
    )
    stages: list[Stage] = []

    def factory(**_: object) -> Stage:
        stages.append(store.stage(max_bytes=len(content)))
        return stages[-1]

    parser = FormDataParser(stream_factory=factory, silent=False)  # type: ignore[arg-type]
    _, _, files = parser.parse(io.BytesIO(body), "multipart/form-data", len(body), {"boundary": "x"})

    assert stages[0].sha256 == hashlib.sha256(content).hexdigest()
    assert files["file"].stream.read() == content
    files["file"].close()
    assert staged_files(store) == []


def test_memory_does_not_grow_with_the_file(store: LocalStore) -> None:
    piece = bytes(MIB)
    with store.stage(max_bytes=1024 * MIB) as stage:
        for _ in range(16):
            stage.write(piece)
        before = psutil.Process().memory_info().rss
        for _ in range(240):
            stage.write(piece)

        assert psutil.Process().memory_info().rss - before < 8 * MIB


def test_a_declared_length_that_would_eat_the_reserve_is_refused_at_once(small_disk: Path) -> None:
    store = LocalStore(small_disk, min_free_bytes=8 * MIB)
    store.prepare()

    with store.stage(max_bytes=1024 * MIB, declared_bytes=20 * MIB):
        pass
    with pytest.raises(StorageFull):
        store.stage(max_bytes=1024 * MIB, declared_bytes=25 * MIB)

    assert staged_files(store) == []


def test_an_undeclared_length_is_stopped_before_the_reserve_is_touched(small_disk: Path) -> None:
    store = LocalStore(small_disk, min_free_bytes=8 * MIB)
    store.prepare()
    with store.stage(max_bytes=1024 * MIB) as stage:
        with pytest.raises(StorageFull):
            fill(stage)
        least_free = store.space().free
        with pytest.raises(StorageFailed):
            store.publish(stage)

    assert least_free >= 8 * MIB - 128 * 1024
    assert stage.size > 20 * MIB
    assert staged_files(store) == []


def test_a_disk_filled_by_others_in_the_middle_is_storage_full_and_leaves_nothing(small_disk: Path) -> None:
    store = LocalStore(small_disk, min_free_bytes=0)
    store.prepare()
    with store.stage(max_bytes=1024 * MIB) as stage:
        stage.write(bytes(MIB))
        (small_disk / "others").write_bytes(bytes(store.space().free - 4096))
        with pytest.raises(StorageFull):
            fill(stage)

    assert staged_files(store) == []
    (small_disk / "others").unlink()
    with store.stage(max_bytes=1024 * MIB) as stage:
        stage.write(b"room again")
        assert store.holds(store.publish(stage), 10)


def test_a_disk_without_inodes_is_storage_full(small_disk: Path) -> None:
    store = LocalStore(small_disk, min_free_bytes=0)
    store.prepare()
    with suppress(OSError):
        for number in range(1000):
            (small_disk / str(number)).touch()

    with pytest.raises(StorageFull):
        store.stage(max_bytes=MIB)


def test_the_automatic_reserve_is_a_twentieth_of_a_small_disk(small_disk: Path) -> None:
    space = LocalStore(small_disk, min_free_bytes=None).space()

    assert space.total == 32 * MIB
    assert space.reserved == space.total // 20
    assert space.spare == space.free - space.reserved


def test_what_a_stage_takes_over_and_cannot_read_is_a_failure_of_the_store(
    store: LocalStore, tmp_path: Path
) -> None:
    source = store.root / "source"
    source.write_bytes(b"whole")
    stage = Stage(store.staging, max_bytes=0, spare=MIB, look_again=lambda: MIB, source=source)
    with (tmp_path / "unreadable").open("wb") as file:
        os.dup2(file.fileno(), stage.fileno())

    with pytest.raises(StorageFailed):
        stage.adopt(None)

    assert stage.closed
    assert staged_files(store) == []
