"""A long log by direct inserts: a million deliveries in seconds, of every state, over any time."""

import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import apsw

from tidings.core.delivery.states import State
from tidings.store.port import REPLAYED

START_MS = 1_770_000_000_000
NAMES = [f"type{number:02}" for number in range(60)]
RARE = "typeOfLongAgo"
OWN = list(range(1, 21))  # webhooks of org 1; 21 is that of org 2
OTHER = 21

_EVENT = "INSERT INTO event VALUES (?, ?, ?, ?, ?, NULL, ?, ?, ?, NULL)"
_DELIVERY = "INSERT INTO delivery VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?, NULL)"
_WEBHOOK = "INSERT OR IGNORE INTO webhook VALUES (?, ?, ?, ?, ?, ?)"

Row = tuple[Any, ...]
# What a delivery is counted as, by its rows alone: its state, or that a replay has delivered since.
COUNTED_AS = (
    "iif(d.state IN (4, 5) AND d.id < (SELECT max(y.id) FROM delivery_replay x"
    " JOIN delivery y ON y.id = x.delivery AND y.state = 3"
    f" WHERE x.event = d.event AND x.webhook = d.webhook), {REPLAYED}, d.state)"
)


def terms_of(org: int, seq: int) -> bytes:
    """What an event is found by: a value of three events, one of every second event."""
    return (seq // 3).to_bytes(8, "big") + b"common%d" % (seq % 2) + b"_"


def fill(
    connection: apsw.Connection,
    count: int,
    step_ms: float,
    seed: int = 7,
    terms_of: Callable[[int, int], bytes] = terms_of,
) -> None:
    """`count` events, each with a delivery; one in twenty matched nobody and has none.

    Nine in ten are org 1's, at its 20 webhooks, some of which get little. States: mostly delivered;
    PARKED and a type of its own only at the beginning. Webhooks that are there already stay.
    """
    events: list[Row] = []
    deliveries: list[Row] = []
    with connection:
        for webhook in webhook_rows():
            connection.execute(_WEBHOOK, webhook)
        for event, delivery in log_rows(count, step_ms, seed, terms_of):
            events.append(event)
            if delivery is not None:
                deliveries.append(delivery)
            if len(events) == 10_000 or event[0] == count:
                connection.executemany(_EVENT, events)
                connection.executemany(_DELIVERY, deliveries)
                events, deliveries = [], []


def webhook_rows() -> Iterator[Row]:
    """The webhooks of a log."""
    for number in (*OWN, OTHER):
        yield number, f"{number:024x}", f"group {number}", 2 if number == OTHER else 1, "", 0


def log_rows(
    count: int,
    step_ms: float,
    seed: int = 7,
    terms_of: Callable[[int, int], bytes] = terms_of,
) -> Iterator[tuple[Row, Row | None]]:
    """Each event of a log with its delivery, if it has one: the columns that `_EVENT` and
    `_DELIVERY` ask for."""
    rng = random.Random(seed)
    delivery = 0
    for seq in range(1, count + 1):
        at_ms = START_MS + int(seq * step_ms)
        org = 1 if seq % 10 else 2
        old = seq < count // 100
        name = RARE if old and seq % 97 == 0 else NAMES[int(60 * rng.random() ** 2)]
        matched = rng.random() >= 0.05
        terms = terms_of(org, seq) + rng.randbytes(16)
        event = (seq, org, name, f"e-{seq:012}", at_ms, delivery + 1, int(matched), terms)
        delivery += matched
        yield event, _delivery(rng, delivery, seq, org, at_ms, old) if matched else None


def replay(connection: apsw.Connection, count: int) -> None:
    """`count` deliveries that a replay has made, of every second event from the oldest on, all
    delivered; a long while after the newest event."""
    [(delivery, at_ms)] = connection.execute(
        "SELECT (SELECT max(id) FROM delivery), (SELECT max(at_ms) FROM event)"
    )
    deliveries: list[Row] = []
    replays: list[Row] = []
    for at in range(1, count + 1):
        id, webhook, seq, then = delivery + at, OWN[at % len(OWN)], 2 * at - 1, at_ms + 864_000_000
        deliveries.append((id, seq, webhook, int(State.DELIVERED), 1, None, then + 50, 12, 200))
        replays.append((id, 1, seq, webhook, 0, then, None))
    with connection:
        connection.executemany(_DELIVERY, deliveries)
        connection.executemany("INSERT INTO delivery_replay VALUES (?, ?, ?, ?, ?, ?, ?)", replays)


def turn_into_replays(connection: apsw.Connection, ids: Iterable[int]) -> None:
    """Deliveries amid the log become those that a replay made of events from its beginning; the
    events that they were of have matched nobody."""
    with connection:
        for id in ids:
            seq = 1 + id % 500
            [(event, webhook, at_ms)] = connection.execute(
                "SELECT d.event, d.webhook, e.at_ms FROM delivery d JOIN event e ON e.seq = d.event"
                " WHERE d.id = ?",
                (id,),
            )
            connection.execute("UPDATE event SET deliveries = 0 WHERE seq = ?", (event,))
            connection.execute("UPDATE delivery SET event = ? WHERE id = ?", (seq, id))
            connection.execute(
                "INSERT INTO delivery_replay VALUES (?, ?, ?, ?, ?, ?, ?)",
                (id, 1, seq, webhook, 0, at_ms, None),
            )


def _delivery(rng: random.Random, id: int, seq: int, org: int, at_ms: int, old: bool) -> Row:
    webhook = 1 + int(20 * rng.random() ** 2) if org == 1 else OTHER
    luck = rng.random()
    done: int | None = at_ms + 50
    due: int | None = None
    if luck < 0.97:
        state, done = State.DELIVERED, at_ms + 3 + int(rng.expovariate(1 / 40))
    elif luck < 0.98:
        state, done = State.FAILED, at_ms + 3_600_000
    elif luck < 0.985:
        state, done, due = State.RETRYING, None, at_ms + 9_999
    elif luck < 0.995:
        state = State.PARKED if old else State.DELIVERED
    elif luck < 0.999:
        state = State.CANCELLED
    else:
        state, done = State.PENDING, None
    attempts = int(state not in (State.PENDING, State.PARKED))
    duration, status = (12, _status(state, id)) if attempts else (None, None)
    return id, seq, webhook, int(state), attempts, due, done, duration, status


def _status(state: State, id: int) -> int | None:
    """What the receiver has answered last; None where it gave no answer."""
    if state is State.DELIVERED:
        return 200 + id % 3
    return (None, 404, 500, 503)[id % 4]


def newest_first(rows: list[Row]) -> Iterator[int]:
    """Their first columns, greatest first."""
    return iter(sorted((row[0] for row in rows), reverse=True))


def fill_blocks(connection: apsw.Connection, rng: random.Random, blocks: int = 3) -> None:
    """Full blocks and one that is not, each with deliveries of one to three states; of what failed
    or was parked in a block nothing, some or all is delivered by a replay behind them."""
    for row in webhook_rows():
        connection.execute(_WEBHOOK, row)
    events: list[Row] = []
    deliveries: list[Row] = []
    again: list[tuple[int, int]] = []
    for block in range(blocks):
        states = rng.sample(list(State), rng.choice((1, 1, 2, 3)))
        webhooks, part = rng.sample(OWN, rng.choice((1, 3))), rng.choice((0.0, 0.5, 1.0))
        for id in range(max(1, block << 12), (block + 1) << 12):
            webhook, state, at_ms = rng.choice(webhooks), rng.choice(states), START_MS + id * 1000
            done = at_ms + 50 if state.final else None
            due = at_ms + 9_999 if state is State.RETRYING else None
            events.append((id, 1, rng.choice(NAMES), f"e-{id:012}", at_ms, id, 1, b""))
            deliveries.append((id, id, webhook, int(state), 1, due, done, 12, 500))
            if state in (State.FAILED, State.PARKED) and rng.random() < part:
                again.append((id, webhook))
    first = blocks << 12
    with connection:
        connection.executemany(_EVENT, events)
        connection.executemany(_DELIVERY, deliveries)
        for id, (event, webhook) in enumerate(again, first):
            at_ms = START_MS + id * 1000
            row = (id, event, webhook, int(State.DELIVERED), 1, None, at_ms + 50, 12, 200)
            connection.execute(_DELIVERY, row)
            replayed = (id, 1, event, webhook, 0, at_ms, None)
            connection.execute("INSERT INTO delivery_replay VALUES (?, ?, ?, ?, ?, ?, ?)", replayed)
