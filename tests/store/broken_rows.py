"""Rows as no commit leaves them: what a check of a store must find, in words of both databases."""

from typing import NamedTuple

from tidings.core.delivery.states import State

WEBHOOK = [
    "INSERT INTO webhook (number, id, consumer_group, org, name, created_ms)"
    " VALUES (1, 'w', 'g', 7, 'crm', 0)",
    "INSERT INTO webhook_version (webhook, version, standing, config, updated_ms)"
    " VALUES (1, 1, 'active', x'00', 0)",
]
EVENT = [
    "INSERT INTO event (seq, org, name, id, at_ms, first_delivery, deliveries, terms)"
    " VALUES (5, 7, 'n', 'i', 0, 9, 1, x'')"
]


def delivery(state: State, *, webhook: int = 1, version: int = 1, key: str = "NULL") -> str:
    """Insert the delivery of the event."""
    return (
        "INSERT INTO delivery (id, event, webhook, version, state, attempts, due_ms, key)"
        f" VALUES (9, 5, {webhook}, {version}, {state:d}, 0, 0, {key})"
    )


class BrokenRows(NamedTuple):
    """Statements, and the one thing that is wrong after them."""

    statements: list[str]
    finding: str


SOUND = [*WEBHOOK, *EVENT, delivery(State.PENDING)]
CASES = (
    BrokenRows([*WEBHOOK, delivery(State.PENDING)], "1 deliveries belong to no event: 9."),
    BrokenRows(
        [*WEBHOOK, *EVENT, delivery(State.RETRYING, version=2)],
        "1 unfinished deliveries are of a version that their webhook does not have: 9.",
    ),
    BrokenRows(
        [*WEBHOOK, *EVENT, "DELETE FROM webhook", delivery(State.PENDING)],
        "1 unfinished deliveries belong to no webhook, so nobody sends them: 9.",
    ),
    BrokenRows(
        [*WEBHOOK, *EVENT, delivery(State.WAITING)],
        "1 deliveries wait and do not name for what: 9.",
    ),
    BrokenRows(
        [*WEBHOOK, *EVENT, delivery(State.HELD)],
        "1 deliveries are held and have no ordering key, so nothing frees them: 9.",
    ),
    BrokenRows(
        [*WEBHOOK, *EVENT, delivery(State.HELD, key="3")],
        "1 deliveries are held, and none before them is unfinished.",
    ),
    BrokenRows(
        ["INSERT INTO fan_out (first, event, count, entries) VALUES (9, 5, 1, x'')"],
        "1 deliveries are owed for no event: 9.",
    ),
    BrokenRows(
        [*WEBHOOK, *EVENT],
        "1 events name deliveries above the newest number that was given, so it would be given "
        "again: 5.",
    ),
    BrokenRows(
        ["INSERT INTO body (seq, bytes) VALUES (5, x'00')"], "1 bodies belong to no event: 5."
    ),
    BrokenRows(
        [
            "INSERT INTO audit_chain (chain, number, mac) VALUES (7, 1, x'')",
            "INSERT INTO audit (chain, number, at_ms, actor_kind, actor, actor_name, face, address,"
            " behalf, action, object_kind, object, times, mac)"
            " VALUES (7, 2, 0, '', '', '', '', '', '', '', '', '', 1, x'')",
        ],
        "1 chains of the audit log have entries above the one that their note names: 7.",
    ),
    BrokenRows(
        ["DELETE FROM meta WHERE key = 'clean_stop'"],
        "The table meta must have a value of clean_stop; it has none.",
    ),
    BrokenRows(
        ["UPDATE meta SET value = -1 WHERE key = 'delivery_floor'"],
        "The value of delivery_floor in the table meta must be 0 or more; it is -1.",
    ),
    BrokenRows(
        ["INSERT INTO meta (key, value) VALUES ('range_begun', 3)"],
        "The value of range_begun in the table meta must be a row of number_range; it is 3.",
    ),
    BrokenRows(
        [
            "INSERT INTO meta (key, value) VALUES ('range_begun', 0)",
            "INSERT INTO number_range (range_index) VALUES (0), (4)",
            *SOUND[:-2],
            "INSERT INTO webhook (number, id, consumer_group, org, name, created_ms)"
            " VALUES (16777216, 'v', 'h', 7, 'erp', 0)",
        ],
        "The numbers of webhook must be of ranges that are begun, up to 0; 16,777,216 is above "
        "them, and would be given again.",
    ),
    BrokenRows(["DELETE FROM installation"], "The table installation must have one row; it has 0."),
)
