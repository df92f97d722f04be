"""Data of before what waits was a state opens, and goes on: no act is done twice, none is lost."""

from pathlib import Path

import msgspec

from tests.store.before_waiting import make_old
from tests.store.rows import HOUR_MS, event, failing, new, settled
from tidings.core.delivery.exchange import FaultKind
from tidings.core.delivery.states import State
from tidings.core.delivery.waits import WaitReason, WaitsFor
from tidings.core.ids import DeliveryId
from tidings.store import port
from tidings.store.sql.queries import Queries
from tidings.store.sqlite.database import FILE
from tidings.store.sqlite.halves import WritingHalf

DETAILS = {  # by hand: a reader is waited for by no row
    WaitReason.AFTER: "It is done at 2026-11-30 14:00:00 UTC.",
    WaitReason.QUIET: "It is quiet for the customer until 08:00 (UTC), by quiet of the action; it "
    "is done then.",
    WaitReason.NEEDS: "It waits for mail, which is not done yet.",
    WaitReason.LIMIT: "The org may write to 3 recipients by limit_per_hour of the connection mail, "
    "and has.",
}
ROW = "SELECT state, attempts, status, due_ms FROM delivery WHERE id = ?"
SAID = "SELECT reason, detail, needed, looks FROM waiting WHERE delivery = ?"


def waits(delivery: int, reason: WaitReason, *, attempt: int = 1) -> port.Settlement:
    """What waits for an hour."""
    settlement = settled(
        delivery, State.WAITING, key=7, attempt=attempt, status=None, delay_ms=HOUR_MS
    )
    return msgspec.structs.replace(settlement, waits=WaitsFor(reason, DETAILS[reason]))


def before(delivery: int, state: State = State.RETRYING, *, attempt: int = 1) -> port.Settlement:
    """What waits, as it was written before: an attempt that has failed."""
    settlement = settled(
        delivery,
        state,
        attempt=attempt,
        status=None,
        delay_ms=0 if state is State.RETRYING else None,
    )
    evidence = port.Evidence(FaultKind.WAITS, DETAILS[WaitReason.QUIET], (), b"", False)
    return msgspec.structs.replace(settlement, evidence=evidence)


def test_what_waited_before_waits_on_under_its_reason_without_an_attempt(tmp_path: Path) -> None:
    half = WritingHalf(tmp_path / FILE)
    ids = list(half.commit(port.Batch(1, [event(f"e{i}", new(1)) for i in range(7)])).firsts)
    reasons = dict(zip(ids, DETAILS, strict=False))
    tried, retrying, done = ids[4:]
    half.commit(
        port.Batch(
            0,
            settled=[
                *(waits(delivery, reason) for delivery, reason in reasons.items()),
                failing(tried, 0),
                failing(retrying, HOUR_MS),
                settled(done),
            ],
        )
    )
    half.commit(port.Batch(0, claims=[port.RetryClaim(1, 10)]))
    half.commit(port.Batch(0, settled=[waits(tried, WaitReason.QUIET, attempt=2)]))
    due = {id: half.connection.execute(ROW, (id,)).fetchone() for id in ids}
    half.close()
    assert make_old(tmp_path) == 5

    half = WritingHalf(tmp_path / FILE)
    ask = half.connection.execute
    for delivery, reason in reasons.items():
        assert ask(ROW, (delivery,)).fetchone() == due[delivery], "at the same time"
        on = "mail" if reason is WaitReason.NEEDS else None
        assert ask(SAID, (delivery,)).fetchone() == (reason, DETAILS[reason], on, 1)
        assert not ask("SELECT 1 FROM attempt WHERE delivery = ?", (delivery,)).fetchall()
    state, attempts, status, due_ms = ask(ROW, (tried,)).fetchone()  # type: ignore[misc]
    assert (state, attempts, status) == (State.WAITING, 1, None), "what was tried stays"
    assert due_ms == due[tried][3]  # type: ignore[index]
    assert ask(SAID, (tried,)).fetchone()[3] == 1  # type: ignore[index]
    numbers = ask("SELECT number, kind FROM attempt WHERE delivery = ?", (tried,)).fetchall()
    assert numbers == [(1, None)]
    assert ask(ROW, (retrying,)).fetchone() == due[retrying]
    assert ask(ROW, (done,)).fetchone() == due[done]
    half.close()


def test_what_waited_before_is_done_once_and_frees_its_key(tmp_path: Path) -> None:
    half = WritingHalf(tmp_path / FILE)
    first, second = half.commit(port.Batch(1, [event(f"e{i}", new(1, 7)) for i in range(2)])).firsts
    half.commit(port.Batch(0, settled=[waits(first, WaitReason.QUIET)]))
    half.close()
    assert make_old(tmp_path) == 1

    half = WritingHalf(tmp_path / FILE)
    assert half.manual_retries.wake(DeliveryId(first)).outcome == "due"
    taken = half.commit(port.Batch(0, claims=[port.RetryClaim(1, 10)])).claimed
    assert [(job.delivery, job.attempt, job.shaped) for job in taken] == [(first, 1, False)]
    assert not half.commit(port.Batch(0, claims=[port.RetryClaim(1, 10)])).claimed
    receipt = half.commit(port.Batch(0, settled=[settled(first, key=7)]))
    assert [job.delivery for job in receipt.freed] == [second]
    half.close()


def test_attempts_of_what_had_ended_or_was_under_way_are_those_that_were_made(
    tmp_path: Path,
) -> None:
    half = WritingHalf(tmp_path / FILE)
    names = ("delivered", "failed", "given up", "cancelled", "under way", "at once")
    ids = list(half.commit(port.Batch(1, [event(name, new(1)) for name in names])).firsts)
    half.commit(port.Batch(0, settled=[before(delivery) for delivery in ids[:5]]))
    half.commit(port.Batch(0, claims=[port.RetryClaim(1, 10)]))
    delivered, failed, given_up, cancelled, _, at_once = ids
    half.commit(
        port.Batch(
            0,
            settled=[
                settled(delivered, attempt=2),
                settled(failed, State.FAILED, attempt=2, status=500),
                before(given_up, State.FAILED, attempt=2),
                before(cancelled, attempt=2),
                settled(at_once),
            ],
            cancels=[port.CancelSlice([DeliveryId(cancelled)], "me")],
        )
    )
    half.close()
    make_old(tmp_path)

    half = WritingHalf(tmp_path / FILE)
    reader = Queries(half.connection)
    rows = [reader.delivery(delivery) for delivery in ids]
    assert [row and row.attempts_made for row in rows] == [1, 1, 1, 0, 1, 1]
    assert [row and row.attempts for row in rows] == [2, 2, 2, 2, 2, 1], "/v3 goes on to show these"
    half.close()
