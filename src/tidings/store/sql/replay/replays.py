"""Jobs that make deliveries from old events, or cancel them: their rows, and where sending stops.

What a slice does is `replay_slices.py`; it goes in with a commit.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId, EventNumber, OrgId
from tidings.core.replay import JobState
from tidings.store import port
from tidings.store.sql.answers import answers
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.delivery import replay_tallies
from tidings.store.sql.events.changed_blocks import BLOCK_BITS
from tidings.store.sql.facts.absences import read_absent
from tidings.store.sql.facts.numbers import StoreNumbers
from tidings.store.sql.queries import id_hash
from tidings.store.sql.replay.source import packed
from tidings.store.sql.row_mapping import FLAG, StoredTable, insert_into, json_of
from tidings.store.sql.states import (
    HELD,
    PENDING,
    RETRYING,
    WAITING,
    is_in_trouble,
    is_unfinished,
)


class ListedPart(NamedTuple):
    """A row of `replay_list`: a part of the events that a job lists, up to `last`, packed."""

    replay: int
    last: EventNumber
    entries: bytes


_INSERT_LISTED = insert_into("replay_list", ListedPart)
_JOB = StoredTable(
    "replay", port.ReplayJob, {"spec": json_of(port.ReplaySpec), "hold": FLAG, "closed": FLAG}
)
_INSERT = _JOB.insert()
STOP = StoredTable("stop", port.SendingStop)
_MOVE = (
    "UPDATE replay SET state = ?2, reason = ?3,"
    f" started_ms = CASE WHEN ?2 = '{JobState.RUNNING}' THEN coalesce(started_ms, ?4)"
    " ELSE started_ms END, ended_ms = CASE WHEN ?5 <> 0 THEN ?4 ELSE ended_ms END"
    f" WHERE number = ?1 AND state IN (SELECT value FROM json_each(?6)) RETURNING {_JOB.columns}"
)
_COUNTED = (
    "UPDATE replay SET counted_to = ?2, counted = counted + ?3,"
    " total = CASE WHEN ?4 <> 0 THEN counted + ?3 ELSE NULL END"
    f" WHERE number = ?1 AND state = '{JobState.COUNTING}' RETURNING {_JOB.columns}"
)
_OPEN = "delivery_replay r INDEXED BY delivery_replay_open"
_TALLY = (
    f"SELECT r.delivery, d.state FROM {_OPEN} JOIN delivery d ON d.id = r.delivery"
    " WHERE r.replay = ? AND r.state IS NULL AND r.delivery > ? ORDER BY r.delivery LIMIT ?"
)
_ANY_OPEN = f"SELECT 1 FROM {_OPEN} WHERE r.replay = ? AND r.state IS NULL LIMIT 1"
_UNFINISHED = (
    f"SELECT r.delivery FROM {_OPEN} JOIN delivery d ON d.id = r.delivery"
    f" WHERE r.replay = ? AND r.state IS NULL AND {is_unfinished('d')}"
    " ORDER BY r.delivery LIMIT ?"
)
_ONE = f"{_JOB.select} WHERE number = ? AND org = ?"
_NEWEST = f"{_JOB.select} WHERE org = ? AND number < ? ORDER BY number DESC LIMIT ?"
_NOT_CLOSED = f"{_JOB.select} WHERE closed = 0 ORDER BY number"
# What is unfinished, stage by stage. The held ones first: taking another one may free them. Each
# stage is read along its own index, behind (webhook, key, delivery).
_AT = (
    "SELECT d.id, d.webhook, {key}, coalesce(r.at_ms, e.at_ms) FROM delivery d INDEXED BY {index}"
    " JOIN event e ON e.seq = d.event LEFT JOIN delivery_replay r ON r.delivery = d.id"
    " WHERE {which} ORDER BY {order} LIMIT ?4"
)
_STAGES = (
    _AT.format(
        key="d.key",
        index="delivery_key",
        which=f"{is_unfinished('d')} AND d.key IS NOT NULL AND d.state = {HELD}"
        " AND (d.webhook, d.key, d.id) > (?1, ?2, ?3)",
        order="d.webhook, d.key, d.id",
    ),
    _AT.format(
        key="0",
        index="delivery_pending",
        which=f"d.state = {PENDING} AND d.id >> {BLOCK_BITS} >= ?3 >> {BLOCK_BITS}"
        f" AND (d.id >> {BLOCK_BITS}, d.webhook, d.id) > (?3 >> {BLOCK_BITS}, ?1, ?3) AND ?2 = 0",
        order=f"d.id >> {BLOCK_BITS}, d.webhook, d.id",
    ),
    *(
        _AT.format(
            key="0",
            index="delivery_trouble",
            which=f"{is_in_trouble('d')} AND d.state = {state}"
            f" AND (d.webhook, d.state, d.id) > (?1, {state}, ?3) AND ?2 = 0",
            order="d.webhook, d.state, d.id",
        )
        for state in (RETRYING, WAITING)
    ),
)
_OWED = (
    "SELECT coalesce(sum(f.count), 0) FROM fan_out f JOIN event e ON e.seq = f.event"
    " WHERE e.at_ms < ? AND e.org NOT IN (SELECT value FROM json_each(?))"
)
_json = msgspec.json.Encoder()


class ReplayRows:
    """Shares the writer's connection."""

    def __init__(
        self, connection: StoreConnection, clock_ms: Callable[[], int], numbers: StoreNumbers
    ) -> None:
        self._connection = connection
        self._numbers = numbers
        self._clock_ms = clock_ms

    @answers(port.Store.put_replay)
    def put(self, job: port.ReplayJob, listed: Sequence[port.ReplayEntry]) -> port.ReplayJob:
        run = self._connection.execute
        with self._numbers.transaction():
            number = self._numbers.take("replay")
            [(newest,)] = run("SELECT coalesce(max(seq), 0) FROM event")
            spec = msgspec.structs.replace(job.spec, upto=newest)
            start = EventNumber(0) if spec.listed else spec.after
            fresh = port.ReplayJob(
                number=number,
                org=job.org,
                kind=job.kind,
                state=job.state,
                spec=spec,
                rate=job.rate,
                hold=job.hold,
                by=job.by,
                cursor=start,
                counted_to=start,
                created_ms=self._clock_ms(),
            )
            run(_INSERT, _JOB.write(fresh))
            self._connection.executemany(
                _INSERT_LISTED,
                [
                    ListedPart(replay=number, last=last, entries=entries)
                    for last, entries in packed(listed)
                ],
            )
            [row] = run(_ONE, (number, job.org))
        return _JOB.read(row)

    @answers(port.Store.move_replay)
    def move(
        self, replay: int, states: Sequence[str], state: str, reason: str
    ) -> port.ReplayJob | None:
        final = JobState(state).final
        allowed = _json.encode(list(states)).decode()
        with self._connection:
            rows = self._connection.execute(
                _MOVE, (replay, state, reason, self._clock_ms(), final, allowed)
            ).fetchall()
        return _JOB.read(rows[0]) if rows else None

    @answers(port.Store.note_counted)
    def note_counted(
        self, replay: int, cursor: int, count: int, ended: bool
    ) -> port.ReplayJob | None:
        with self._connection:
            rows = self._connection.execute(_COUNTED, (replay, cursor, count, ended)).fetchall()
        return _JOB.read(rows[0]) if rows else None

    @answers(port.Store.tally_replay)
    def tally(self, replay: int, after: int, limit: int) -> port.ReplayTally:
        run = self._connection.execute
        seen: list[tuple[Any, ...]] = run(_TALLY, (replay, after, limit)).fetchall()
        final = [(delivery, replay, state) for delivery, state in seen if State(state).final]
        if final:
            with self._connection:
                replay_tallies.count(self._connection, final)
        after = seen[-1][0] if len(seen) == limit else 0
        is_open = run(_ANY_OPEN, (replay,)).fetchone() is not None
        return port.ReplayTally(after, len(final), is_open)

    @answers(port.Store.close_replay)
    def close(self, replay: int) -> None:
        with self._connection:
            self._connection.execute("UPDATE replay SET closed = 1 WHERE number = ?", (replay,))
            self._connection.execute("DELETE FROM replay_list WHERE replay = ?", (replay,))

    @answers(port.Store.unfinished_of)
    def unfinished_of(self, replay: int, limit: int) -> list[DeliveryId]:
        """See `port.ReplayStore.unfinished_of`; in order with the slices that make them."""
        return [row[0] for row in self._connection.execute(_UNFINISHED, (replay, limit))]

    # -- stops ------------------------------------------------------------------------------------

    @answers(port.Store.put_stop)
    def put_stop(self, stop: port.SendingStop) -> None:
        with self._connection:
            self._connection.execute(
                STOP.insert("INSERT OR IGNORE"),
                STOP.write(
                    msgspec.structs.replace(stop, since_ms=stop.since_ms or self._clock_ms())
                ),
            )

    @answers(port.Store.drop_stop)
    def drop_stop(self, org: OrgId) -> None:
        with self._connection:
            self._connection.execute("DELETE FROM stop WHERE org = ?", (org,))

    @answers(port.Store.stops)
    def stops(self) -> list[port.SendingStop]:
        rows = self._connection.execute(f"{STOP.select} ORDER BY org")
        return [STOP.read(row) for row in rows]


class ReplayQueries:
    """Jobs as the API reads them; shares the reader's connection."""

    def __init__(self, connection: StoreConnection) -> None:
        self._connection = connection

    @answers(port.Store.replay)
    def one(self, org: OrgId, replay: int) -> port.ReplayJob | None:
        row = self._connection.execute(_ONE, (replay, org)).fetchone()
        return None if row is None else _JOB.read(row)

    @answers(port.Store.replays)
    def newest(self, org: OrgId, before: int, limit: int) -> list[port.ReplayJob]:
        return [_JOB.read(row) for row in self._connection.execute(_NEWEST, (org, before, limit))]

    @answers(port.Store.listed_events)
    def listed_events(self, org: OrgId, ids: Sequence[str]) -> list[port.ReplayEntry]:
        find = "SELECT seq FROM event_id WHERE hash = ?"
        rows = (self._connection.execute(find, (id_hash(org, id),)).fetchone() for id in ids)
        return [port.ReplayEntry(row[0]) for row in rows if row is not None]

    @answers(port.Store.unfinished_before)
    def unfinished_before(
        self, accepted_before_ms: int, place: tuple[int, int, int, int], limit: int
    ) -> port.UnfinishedPage:
        stage, webhook, key, after = place
        rows: list[tuple[Any, ...]] = self._connection.execute(
            _STAGES[stage], (webhook, key, after, limit)
        ).fetchall()
        absent = read_absent(self._connection)
        theirs = frozenset[int]() if absent is None else absent.keys_of("webhook")
        found = [id for id, of, _, at_ms in rows if at_ms < accepted_before_ms and of not in theirs]
        if len(rows) == limit:
            id, webhook, key, _ = rows[-1]
            return port.UnfinishedPage(found, (stage, webhook, key, id))
        stage += 1
        return port.UnfinishedPage(found, (stage, 0, 0, 0) if stage < len(_STAGES) else None)

    @answers(port.Store.owed_before)
    def owed_before(self, accepted_before_ms: int) -> int:
        absent = read_absent(self._connection)
        orgs = "[]" if absent is None else absent.listed("org")
        [(owed,)] = self._connection.execute(_OWED, (accepted_before_ms, orgs))
        return int(owed)

    @answers(port.Store.open_replays)
    def not_closed(self) -> list[port.ReplayJob]:
        return [_JOB.read(row) for row in self._connection.execute(_NOT_CLOSED)]
