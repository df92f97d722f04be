"""The database file gets shorter when most of what it held is dropped."""

from pathlib import Path

from tests.store.conformance.retained import drop
from tests.store.conformance.subject import Subject
from tests.store.rows import event
from tests.store.sqlite.hosting.hostings import Children
from tidings.core.orgs.retention import RowKind
from tidings.store import port


def space(store: port.Store) -> port.SpaceStore:
    assert isinstance(store, port.SpaceStore)
    return store


def test_a_new_store_gives_free_pages_back_to_the_file_system(tmp_path: Path) -> None:
    subject = Subject(Children(), tmp_path / "data")
    try:
        ids = [f"e{i}" for i in range(200)]
        subject.commit(*(event(id, body=b"x" * 20_000) for id in ids))
        drop(subject, RowKind.METADATA)
        before = subject.ask(lambda store: space(store).file_space())
        assert before.free_pages > 500 and before.page_bytes == 4096
        given = 0
        while (now := subject.ask(lambda store: space(store).give_back(100))).rows:
            assert now.rows <= 100
            given += now.rows
        after = subject.ask(lambda store: space(store).file_space())
        assert given >= 500 and after.pages <= before.pages - given + 5
        assert after.free_pages < 5 and after.free_bytes == after.free_pages * 4096
        assert after.bytes == after.pages * 4096
    finally:
        subject.close()
