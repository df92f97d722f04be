"""Two stores of an installation with several cells, and a family that goes between them."""

from collections.abc import Sequence
from typing import Any, cast

from tests.store.conformance.audited import KEY
from tests.store.conformance.families.steps import FAMILY, put_org
from tests.store.conformance.subject import Subject
from tests.store.halves_in_process import InProcess
from tests.store.rows import ORG, event, new, settled, term, webhook
from tidings.core.audit.entries import AuditDraft
from tidings.core.audit.family_marks import (
    draft_arrival,
    draft_begin,
    draft_departure,
    draft_undone,
)
from tidings.core.cells.families import CellId, FamilyMove
from tidings.core.ids import OrgId
from tidings.store import port
from tidings.store.sql.facts.numbers import NUMBERED
from tidings.store.sql.halves import RowWriter
from tidings.store.sql.moving.rooms import admit_rows, note_rows

A, B = CellId(1), CellId(2)
OTHER = OrgId(7)  # lives in B
CARRIED = {
    "org": "id = :org OR parent = :org",
    "webhook": "org = :org",
    "webhook_version": "webhook IN (SELECT number FROM webhook WHERE org = :org)",
    "audit": "chain = :org",
    "audit_chain": "chain = :org",
    "rejection": "org = :org",
    "event": "org = :org",
    "event_id": "seq IN (SELECT seq FROM event WHERE org = :org)",
    "body": "seq IN (SELECT seq FROM event WHERE org = :org)",
    "delivery": "webhook IN (SELECT number FROM webhook WHERE org = :org)",
    "attempt": (
        "delivery IN (SELECT d.id FROM delivery d JOIN webhook w ON w.number = d.webhook"
        " WHERE w.org = :org)"
    ),
}
"""Tables in the order in which their rows go, and which rows of the family."""


def half(subject: Subject) -> RowWriter:
    """Return the half that writes of a store in this process."""
    store = subject.ask(_itself)
    assert isinstance(store, InProcess)
    return store.writing


async def _itself(store: port.Store) -> Any:
    return cast(Any, store)


class TwoCells:
    """Cell A was the only one, so its first range begins with 1; B's numbers lie above it."""

    def __init__(self, a: Subject, b: Subject) -> None:
        self.of = {A: a, B: b}
        self.a, self.b = a, b
        self.number = 1  # of the newest move
        put_org(a, ORG)
        first = a.end_endless()
        a.grant(first, first + 20, first + 21, first + 40)
        b.grant(*range(first + 1, first + 4), *range(first + 22, first + 26), first + 41)
        put_org(b, OTHER)

    def fill(self, cell: CellId, org: int, *ids: str, state: Any = None) -> list[int]:
        """Accept events of an org, each for its webhook; end them if a state is given. Return the
        ids of the deliveries."""
        subject = self.of[cell]
        known = {stored.org: stored.number for stored in subject.load().webhooks}
        number = known.get(OrgId(org)) or self._make_webhook(subject, org)
        events = [event(id, new(number), org=org, terms=[term(f"{org}")]) for id in ids]
        firsts = subject.commit(*events).firsts
        if state is not None:
            ended = [settled(first, state, webhook=number) for first in firsts]
            subject.commit(settled=ended)
        return list(firsts)

    def webhook_of(self, cell: CellId, org: int) -> int:
        """Return the number of an org's webhook."""
        [number] = [stored.number for stored in self.of[cell].load().webhooks if stored.org == org]
        return number

    def begin(self, source: CellId, target: CellId) -> None:
        """Seal the family, and have it arrive."""
        assert self.begin_leaving(source, target)
        assert self.step(source, FamilyMove.SEAL, target)
        assert self.step(target, FamilyMove.RECEIVE, source)

    def begin_leaving(self, source: CellId = A, target: CellId = B) -> bool:
        """Begin the next move of the family; return whether it has begun."""
        self.number += 1
        return self.step(source, FamilyMove.BEGIN, target)

    def copy(self, source: CellId, target: CellId) -> None:
        """Copy its rows."""
        there, here = half(self.of[source]).connection, half(self.of[target])
        for table, condition in CARRIED.items():
            found = there.execute(f"SELECT * FROM {table} WHERE {condition}", {"org": ORG})
            rows = found.fetchall()
            if not rows:
                continue
            keys = [int(row[0]) for row in rows] if table in NUMBERED else []
            admit_rows(here.numbers, table, keys)
            places = ", ".join("?" for _ in rows[0])
            with here.connection:
                insert = f"INSERT INTO {table} VALUES ({places})"
                here.connection.executemany(insert, rows)
                note_rows(here.connection, table, keys)

    def end(self, source: CellId, target: CellId) -> None:
        """Switch, drop what is left in the source, and begin both anew."""
        assert self.step(target, FamilyMove.SWITCH, source)
        assert self.step(source, FamilyMove.SWITCHED, target)
        self.drop(source)
        assert self.step(source, FamilyMove.EMPTY, target)
        for subject in self.of.values():
            subject.reopen()

    def drop(self, cell: CellId) -> None:
        """Drop the rows of the family."""
        left = half(self.of[cell]).connection
        for table, condition in reversed(CARRIED.items()):
            with left:
                if table in NUMBERED:
                    column = NUMBERED[table]
                    keys = left.execute(
                        f"SELECT {column} FROM {table} WHERE {condition}", {"org": ORG}
                    ).fetchall()
                    note_rows(left, table, [key for (key,) in keys])
                left.execute(f"DELETE FROM {table} WHERE {condition}", {"org": ORG})

    def move(self, source: CellId, target: CellId) -> None:
        """Move the family as a whole."""
        self.begin(source, target)
        self.copy(source, target)
        self.end(source, target)

    def step(self, cell: CellId, move: FamilyMove, other: CellId) -> bool:
        """Ask for one step of the move; return whether it has happened."""
        asked = port.FamilyStep(FAMILY, move, self.number, other=other)
        orgs = [OrgId(ORG)]
        drafts: Sequence[AuditDraft] = ()
        if move is FamilyMove.BEGIN:
            drafts = draft_begin(FAMILY, other, self.number)
        elif move is FamilyMove.UNDONE:
            drafts = draft_undone(FAMILY, other, self.number)
        elif move is FamilyMove.SWITCHED:
            drafts = draft_departure(FAMILY, other, self.number, orgs)
        elif move is FamilyMove.SWITCH:
            drafts = draft_arrival(FAMILY, other, self.number, orgs)

        async def take(store: port.Store) -> port.FamilyReceipt:
            if not drafts:
                return await store.move_family(asked)
            with port.recorded(port.AuditWrite(KEY, drafts, if_changed=True)):
                return await store.move_family(asked)

        return self.of[cell].ask(take).changed

    def index(self, cell: CellId) -> None:
        """Have everything summarised and indexed that can be."""
        store = self.of[cell].ask(_itself)
        while store.reading.background():
            store.reading._indexed_at = 0.0

    def close(self) -> None:
        """End both."""
        self.a.close()
        self.b.close()

    @staticmethod
    def _make_webhook(subject: Subject, org: int) -> int:
        stored, _ = subject.ask(lambda store: store.put_webhook(webhook("till", org=org)))
        return stored.number
