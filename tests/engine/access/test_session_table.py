"""The table of sessions, where some end while others are written."""

from collections.abc import Sequence
from typing import cast

import pytest

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


class HoldingStore:
    """Forgets no session of an org that is moving."""

    def __init__(self, *held: bytes) -> None:
        self.table = SessionTable(cast(port.Store, self), UnkeptLog())
        self.held = {*held}
        self.forgotten: list[bytes] = []

    async def drop_sessions(self, digests: Sequence[bytes]) -> None:
        if self.held & {*digests}:
            raise port.FamilyAway("it is moving")
        self.forgotten += digests


async def test_who_cannot_be_signed_out_for_a_move_holds_up_nobody_else() -> None:
    store = HoldingStore(DIGESTS[0])
    table = store.table
    table.load(
        port.StoredSession(digest, f"usr_{digest.decode()}", "", b"p", created_ms=1, seen_ms=1)
        for digest in DIGESTS
    )
    with pytest.raises(port.FamilyAway):
        await table.drop([DIGESTS[0]], [])
    await table.drop([DIGESTS[1]], [])
    assert store.forgotten == [DIGESTS[1]]
    await table.drop_ended()  # the upkeep goes on with its other work
    assert list(table.ended()) == [DIGESTS[0]]
    with pytest.raises(port.FamilyAway):
        await table.drop_ended([DIGESTS[0]])  # whoever asks again is not told that it is done
    store.held.clear()
    await table.drop_ended()
    assert store.forgotten == [DIGESTS[1], DIGESTS[0]] and not table.ended()
