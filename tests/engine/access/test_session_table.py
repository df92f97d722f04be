"""The table of sessions, where some end while others are written."""

from typing import cast

from tests.engine.audit.kept_log import UnkeptLog
from tidings.engine.access.session_table import SessionTable
from tidings.store import port

DIGESTS = (b"1", b"2", b"3")


class EndingStore:
    """Ends the second session while the first one is written."""

    def __init__(self) -> None:
        self.table = SessionTable(cast(port.Store, self), UnkeptLog())
        self.written: list[tuple[bytes, str]] = []

    async def put_session(self, session: port.StoredSession) -> None:
        self.table.forget(DIGESTS[1])
        self.written.append((session.digest, session.person))


async def test_a_session_that_ends_while_others_are_moved_does_not_come_back() -> None:
    store = EndingStore()
    table = store.table
    table.load(
        port.StoredSession(digest, "usr_a", "", proof=b"p", created_ms=1, seen_ms=1)
        for digest in DIGESTS
    )
    await table.inherit("usr_a", "usr_b")
    left = [(DIGESTS[0], "usr_b"), (DIGESTS[2], "usr_b")]
    assert store.written == left
    assert [(session.digest, session.person) for session in table] == left
