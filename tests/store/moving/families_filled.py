"""Families with rows in every table, written as rows are: what a store has of them after years."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tidings.core.cells.families import FamilyId
from tidings.core.delivery.states import State
from tidings.core.ids import EventNumber, OrgId
from tidings.store import port
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.moving.family_tables import FAMILY_ROWS
from tidings.store.sql.queries import id_hash
from tidings.store.sql.row_mapping import insert_columns

_SPEC = port.ReplaySpec(
    OrgId(1), None, None, [], (), None, None, (), False, False, True, EventNumber(0)
)
COLUMNS = {rows.table: rows.columns for rows in FAMILY_ROWS}
ODD = "nul \0, é, \ufdd0"  # a text that databases keep each in its way
# What a row has in a column of this name where nothing else is asked for.
USUAL: dict[str, Any] = {
    "time_zone": "UTC", "settings": b"{}", "created_ms": 5, "revision": 1, "platform": 0,
    "digest": b"\0d", "scopes": "*", "kind": "key", "created_by": "boss", "standing": "active",
    "config": b"\xffsealed", "updated_ms": 6, "failures": 3, "cause": "503", "opens": 1,
    "until_ms": 9, "told": 0, "failing_ms": 7, "reason": "gone", "declaration": b"{}",
    "template": ODD, "value": b"\xfe", "records": 2,
    "by": "boss", "since_ms": 4, "role": "owner", "email": "asha@acme.example", "proof": b"p",
    "seen_ms": 8, "address": "::1", "agent": "x", "portal": b"", "purpose": "invite",
    "expires_ms": 1 << 50, "fact": b"{}", "due_ms": None, "tries": 1, "body": b"\0body",
    "at_ms": 1000, "actor_kind": "user", "actor": "u", "actor_name": "U", "face": "api",
    "behalf": "", "action": "a", "object_kind": "webhook", "object": "o", "times": 1,
    "mac": b"m", "anchored": 0, "sealed": b"\xffs", "changed_ms": 5, "place": "p", "code": "c",
    "field": "", "headers": b"[]", "topic": "t", "partition": 0, "cluster": "c", "topic_id": "i",
    "offset": 12, "minutes": b"[]", "installation": "i", "takes_over": 0, "answer": b"{}",
    "used_ms": 9, "method": "POST", "size": 2, "verdict": "valid", "status": 200,
    "event_id": "e", "message": "m", "path": "", "spec": msgspec.json.encode(_SPEC), "rate": 1.5,
    "hold": 0,
    "cursor": 0, "counted_to": 0, "counted": 0, "made": 1, "under_way": 0, "had": 0, "no_body": 0,
    "delivered": 0, "failed": 0, "parked": 0, "cancelled": 0, "closed": 0, "last": 1,
    "entries": b"[]", "subject": b"s", "first_delivery": 0, "deliveries": 0, "terms": b"",
    "opened_ms": 5, "waiting": 9, "step": 50, "grew": 1, "cause_changes": 0, "previous_cause": "",
    "acknowledged_by": "boss", "note": "n", "end_reason": "", "notified_opened": 1,
    "notified_grew": 0, "notified_causes": 0, "notified_ended": 0,
    "bytes": b"{}", "mark": b"{}", "count": 1, "again": 0, "version": 1,
    "attempts": 0, "started_ms": 11,
    "list": "webhooks", "query": "q=a",
    "said": b"[]", "detail": ODD, "looks": 1, "without_personal_data": 0, "name": "n",
}  # fmt: skip
Rows = dict[str, list[dict[str, Any]]]


def family_rows(
    family: int,
    children: Mapping[int, int],
    base: int,
    events: int = 12,
    body: bytes = b"{}",
    people: Sequence[str] = (),
    stride: int = 1,
) -> Rows:
    """Make the rows of a family. `children`: the parent of each further org; `base`: above which
    its numbers are, every `stride` of them; `people`: further persons, of whatever family."""
    made = _FamilyRows(base, stride)
    orgs = [family, *children]
    for at, org in enumerate(orgs):
        number = base + at * stride
        made.add_org(org, children.get(org), number, people)
        made.add_webhook(org, number)
        made.add_sources(org, number)
    for at in range(events):
        of = at % len(orgs)
        made.add_event(at, orgs[of], base + of * stride, body)
    return made.rows


class _FamilyRows:
    def __init__(self, base: int, stride: int) -> None:
        self.rows: Rows = {table: [] for table in COLUMNS}
        self._base = base
        self._stride = stride

    def _add(self, table: str, **values: Any) -> None:
        self.rows[table].append(values)

    def add_org(self, org: int, parent: int | None, number: int, people: Sequence[str]) -> None:
        """Add an org with who may come in, what it has declared and what was noted of it."""
        add, id = self._add, f"{self._base}-{org}"
        add("org", id=org, parent=parent)
        add("credential", id=id, org=org)
        for kind in (1, 2):
            add("event_type", org=org, version=kind)
            add("transformation", org=org, version=kind)
            add("reference", org=org, kind=kind, id="r")
            add("reference_count", org=org, kind=kind)
        add("stop", org=org)
        persons = [f"usr_{id}", *people]
        for person in persons:
            add("member", org=org, person=person)
        add("person", id=persons[0])
        add("session", digest=_digest(f"p{id}"), person=persons[0], credential="")
        add("session", digest=_digest(f"c{id}"), person="", credential=id)
        add("link", digest=_digest(id), org=org, person=persons[0], credential="")
        add("saved_view", org=org, owner=persons[0], id=f"view_{id}")
        add("letter", id=id, org=org, due_ms=9)
        add("alert_channel", id=f"alc_{id}", org=org)
        add("alert_mark", channel=f"alc_{id}", incident="inc_a", org=org)
        add("keyed_call", place=_digest(id), org=org)
        for place in (1, 2, 3):
            add("audit", chain=org, number=place)
        add("audit_chain", chain=org, number=3)
        add("rejection", id=number, org=org)

    def add_webhook(self, org: int, number: int) -> None:
        """Add a webhook, with how it does, and a replay."""
        add, id = self._add, f"{self._base}-{org}"
        add("webhook", number=number, id=id, consumer_group=id, org=org)
        for version in (1, 2):
            add("webhook_version", webhook=number, version=version)
        add("webhook_health", webhook=number)
        for incident in (1, 2):
            add(
                "incident",
                webhook=number,
                number=2 * number + incident,
                org=org,
                kind=str(incident),
            )
        add("disabling", webhook=number)
        add("cap_use", webhook=number, delivery=number)
        add("replay", number=number, org=org, kind="replay", state="running")
        add("replay_list", replay=number)

    def add_sources(self, org: int, number: int) -> None:
        """Add a source and an inbox, with what has come by them."""
        add = self._add
        add("source", number=number, org=org)
        for place in (0, 1):
            add("aside", number=2 * number + place, source=number, known_by=_digest(str(place)))
            add("source_place", source=number, partition=place)
            add("arrival", number=2 * number + place, inbox=number)
        add("source_activity", source=number)
        add("source_owner", source=number)
        add("inbox", number=number, org=org, token=f"{self._base}-{org}")

    def add_event(self, at: int, org: int, webhook: int, body: bytes) -> None:
        """Add an event with up to three deliveries, and one that a replay has made."""
        add, seq, id, count = self._add, self._base + at * self._stride, f"e{at}", at % 4
        first = 4 * seq  # three of its own at most, and one that a replay has made
        add("event", seq=seq, org=org, id=id, first_delivery=first, deliveries=count)
        add("body", seq=seq, bytes=body)
        add("event_id", hash=id_hash(OrgId(org), id), seq=seq)
        made = [*range(first, first + count), first + 3]
        add("delivery_replay", delivery=made[-1], replay=webhook, event=seq, webhook=webhook)
        for number in made:
            state = self._state_of(number)
            add("delivery", id=number, event=seq, webhook=webhook, key=7, state=state)
            for attempt in (1, 2):
                add("attempt", delivery=number, number=attempt)
            for table in ("sent", "left_out", "waiting", "delivery_cancel"):
                add(table, delivery=number)
        if at % 5 == 4:
            owed = msgspec.msgpack.encode([port.NewDelivery(webhook, 1)])
            add("fan_out", first=first + count, event=seq, entries=owed)

    def _state_of(self, number: int) -> int:
        return number % len(State)


def put_rows(connection: StoreConnection, rows: Rows) -> None:
    """Write rows into a store."""
    with connection:
        for table, made in rows.items():
            columns = COLUMNS[table]
            values = [[row.get(name, USUAL.get(name)) for name in columns] for row in made]
            connection.executemany(insert_columns(table, columns), values)


def stored_rows(connection: StoreConnection) -> dict[str, list[Any]]:
    """Read all rows of the tables that go with families."""
    return {
        table: sorted(
            (
                tuple(row)
                for row in connection.execute(
                    f"SELECT {', '.join(f't.{name}' for name in columns)} FROM {table} t"
                ).fetchall()
            ),
            key=repr,
        )
        for table, columns in COLUMNS.items()
    }


def put_family(connection: StoreConnection, family: FamilyId) -> None:
    """Have a store know that a family is here."""
    connection.execute(insert_columns("family", ("family", "state", "number")), (family, 0, 1))


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
