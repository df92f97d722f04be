"""The statements of replays use their indexes, with and without statistics."""

from tests.store.rows import ORG, event, new, settled
from tests.store.sqlite.delivery.explained_plans import (
    PRIMARY,
    Store,
    explained,
    plans,
    store,
    uses,
)
from tidings.core.delivery.states import State
from tidings.core.ids import EventNumber
from tidings.store import port
from tidings.store.sql.replay.source import ReplaySource

__all__ = ["store"]


def job_of(store: Store) -> port.ReplayJob:
    """A running job over what failed at a webhook of its own."""
    firsts = store.writing.commit(
        port.Batch(1, [event(f"replayed-{id(store)}-{i}", new(1)) for i in range(5)])
    ).firsts
    store.writing.commit(port.Batch(0, settled=[settled(first, State.FAILED) for first in firsts]))
    spec = port.ReplaySpec(
        ORG, 1, 1, [ORG], states=[State.FAILED], after=EventNumber(firsts[0] // 3)
    )
    job = port.ReplayJob(0, ORG, "replay", "running", spec, 20.0, False, "me")
    return store.writing.replays.put(job, [])


def test_looking_for_candidates_reads_the_range_and_each_events_deliveries(store: Store) -> None:
    job = job_of(store)
    source = ReplaySource(store.writing.connection)
    found = plans(
        store.writing.connection,
        lambda: source.candidates(job.number, job.spec, EventNumber(0), 50, True),
    )
    assert "SEARCH event USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)" in explained(
        found, "json_each", "LIMIT"
    )
    states = explained(found, "UNION ALL")
    assert "delivery USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)" in states
    assert "delivery_replay_event (event=? AND webhook=?)" in states
    assert "SCAN" not in states


def test_a_slice_finds_everything_by_number(store: Store) -> None:
    job = job_of(store)
    source = ReplaySource(store.writing.connection)
    seen = source.candidates(job.number, job.spec, EventNumber(0), 5_000, False)
    events = [candidate.event for candidate in seen.found]
    assert events
    slice = port.ReplaySlice(job.number, job.cursor, seen.cursor, 1, events, [None] * len(events))
    found = plans(
        store.writing.connection, lambda: store.writing.commit(port.Batch(1, replays=[slice]))
    )
    for words in (
        ("SELECT spec",),
        ("FROM event WHERE seq",),
        ("SELECT bytes",),
        ("UPDATE replay",),
    ):
        assert uses(explained(found, *words), PRIMARY), words


def test_what_is_unfinished_of_a_job_is_found_by_its_index(store: Store) -> None:
    job = job_of(store)
    rows = store.writing.replays
    found = plans(
        store.writing.connection,
        lambda: (rows.tally(job.number, 0, 10), rows.unfinished_of(job.number, 10)),
    )
    assert len(found) == 3
    for plan in found.values():
        assert "delivery_replay_open (replay=?" in plan and "SCAN" not in plan, plan


def test_cancelling_finds_a_delivery_by_its_id(store: Store) -> None:
    [first] = store.writing.commit(port.Batch(1, [event(f"c-{id(store)}", new(1, 77))])).firsts
    cut = port.Batch(0, cancels=[port.CancelSlice([first], "me")])
    found = plans(store.writing.connection, lambda: store.writing.commit(cut))
    assert uses(explained(found, "UPDATE delivery"), PRIMARY), found
