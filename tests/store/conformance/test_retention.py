"""Conformance: what is too old is dropped in slices, what is unfinished stays whole."""

import msgspec
import pytest

from tests.store.conformance.replay_jobs import Jobs
from tests.store.conformance.retained import LATER, body, drop
from tests.store.conformance.subject import Subject
from tests.store.rows import EVIDENCE, HOUR_MS, ORG, event, failing, new, settled, term, waiting
from tidings.core.delivery.states import UNFINISHED, State
from tidings.core.ids import OrgId
from tidings.core.orgs.retention import RowKind
from tidings.core.shaping.left_out import LeftOut
from tidings.store import port

OTHER = OrgId(7)
UNFINISHED_OR_TAKEN = [*(state.word for state in sorted(UNFINISHED)), "taken"]


def kept(subject: Subject) -> port.RetentionState:
    return subject.ask(lambda store: store.retention_state())


def delivered(subject: Subject, *ids: str, org: int = ORG) -> list[int]:
    """Events with one delivered delivery each."""
    firsts = subject.commit(*(event(id, new(1), org=org, terms=[term("t")]) for id in ids)).firsts
    subject.commit(settled=[settled(first) for first in firsts])
    return list(firsts)


def test_payload_goes_and_everything_else_of_the_event_stays(subject: Subject) -> None:
    [delivery] = delivered(subject, "a")
    assert drop(subject, RowKind.PAYLOAD) == 1
    assert body(subject, "a") is None
    assert subject.states(delivery) == [State.DELIVERED]
    assert not subject.commit(event("a", new(1))).seqs[0], "its id is still known"


def test_metadata_takes_all_of_an_event_and_its_id_may_come_again(subject: Subject) -> None:
    [delivery] = subject.commit(event("a", new(1))).firsts
    subject.commit(settled=[failing(delivery, 0)])
    subject.take()
    subject.commit(settled=[settled(delivery, attempt=2)])
    assert drop(subject, RowKind.METADATA) == 6  # event, id, body, delivery, two attempts
    assert subject.event("a", ORG) is None
    assert subject.ask(lambda store: store.delivery(delivery)) is None
    assert list(subject.attempts(delivery)) == []
    assert subject.counts().events == 0
    assert subject.commit(event("a", new(1))).seqs[0], "it is a new event"


def test_nothing_younger_is_dropped(subject: Subject) -> None:
    delivered(subject, "a")
    for kind in RowKind:
        assert drop(subject, kind, before_ms=1_000_000) == 0
    assert body(subject, "a") is not None


@pytest.mark.parametrize("kind", [RowKind.PAYLOAD, RowKind.METADATA])
@pytest.mark.parametrize("state", UNFINISHED_OR_TAKEN)
def test_what_is_unfinished_is_kept_whole_and_dropped_once_it_is_final(
    subject: Subject, kind: RowKind, state: str
) -> None:
    key = 5 if state == "held" else None
    before, one = subject.commit(event("x", new(1, key)), event("a", new(1, key), new(2))).firsts
    subject.commit(settled=[settled(one + 1, webhook=2)])
    if state in ("retrying", "taken"):
        subject.commit(settled=[failing(one, 0 if state == "taken" else HOUR_MS)])
    if state == "waiting":
        subject.commit(settled=[waiting(one)])
    if state == "taken":
        subject.take()
    if state != "held":
        subject.commit(settled=[settled(before)])
    for _ in range(3):
        drop(subject, kind)
    assert body(subject, "a") is not None
    assert kept(subject).kept_back >= 1
    assert subject.counts().orphans == 0
    if state == "held":
        subject.commit(settled=[settled(before, key=key)])
    subject.commit(settled=[settled(one, key=key, attempt=3)])
    assert subject.states(one) == [State.DELIVERED]
    assert drop(subject, kind) > 0
    found = subject.event("a", ORG)
    assert found is None or found.body is None
    assert kept(subject).kept_back == 0


@pytest.mark.parametrize("kind", [RowKind.PAYLOAD, RowKind.METADATA])
@pytest.mark.parametrize("state", UNFINISHED_OR_TAKEN)
@pytest.mark.parametrize("between", [0, 3])
def test_an_event_is_kept_whole_until_its_replay_has_ended(
    subject: Subject, kind: RowKind, state: str, between: int
) -> None:
    """All that its accept has made is final, and other events lie between it and its replay."""
    jobs, key = Jobs(subject), 5 if state == "held" else None
    old = jobs.events(2, key=key, prefix="old")
    for number in old:
        jobs.end(State.FAILED, number, key=key)
    delivered(subject, *(f"between{i}" for i in range(between)))
    jobs.run(jobs.put(jobs.spec()), key=key)
    first, second = old[-1] + between + 1, old[-1] + between + 2
    assert subject.pending(jobs.hook) == [first] + [second] * (key is None)
    if state in ("retrying", "taken"):
        subject.commit(settled=[failing(second, 0 if state == "taken" else HOUR_MS)])
    if state == "waiting":
        subject.commit(settled=[waiting(second)])
    if state == "taken":
        assert [job.delivery for job in subject.take(jobs.hook)] == [second]
    if state != "held":
        jobs.end(State.DELIVERED, first)
    for _ in range(3):
        drop(subject, kind)
    assert body(subject, "old1") == event("old1").body, "what is to be sent is there"
    assert not subject.states(second)[0].final
    assert kept(subject).kept_back == (2 if state == "held" else 1)
    if state == "held":
        jobs.end(State.DELIVERED, first, key=key)
    subject.commit(settled=[settled(second, webhook=jobs.hook, key=key, attempt=3)])
    assert drop(subject, kind) > 0
    found = subject.event("old1", ORG)
    assert found is None or found.body is None, "it went once its replay had ended"
    if kind is RowKind.METADATA:
        assert subject.counts() == port.Counts(0, {}, 0, 0), "the replay's delivery goes with it"
    assert kept(subject).kept_back == 0


@pytest.mark.parametrize("kind", [RowKind.PAYLOAD, RowKind.METADATA])
def test_an_attempt_that_ends_after_its_data_is_gone_leaves_nothing_behind(
    subject: Subject, kind: RowKind
) -> None:
    """It was under way when its delivery was cancelled."""
    one, other = subject.commit(event("a", new(1)), event("b", new(1))).firsts
    subject.commit(version=0, cancels=[port.CancelSlice([one], "me")])
    drop(subject, kind)
    late = msgspec.structs.replace(
        failing(one, HOUR_MS), sent=b"shaped", left_out=LeftOut(("till",), "It was not there.")
    )
    subject.commit(settled=[late, msgspec.structs.replace(late, delivery=other)])
    assert subject.states(other) == [State.RETRYING]
    sent = [subject.ask(lambda store: store.sent_body(id)).shaped for id in (other, one)]  # noqa: B023
    assert sent == [b"shaped", None]
    assert len(subject.attempts(one)) == (kind is RowKind.PAYLOAD)
    assert len(subject.attempts(other)) == 1


def test_an_unfinished_one_keeps_nobody_else_back(subject: Subject) -> None:
    subject.commit(event("a", new(1)))
    delivered(subject, "b", "c")
    assert drop(subject, RowKind.PAYLOAD) == 2
    assert [body(subject, id) is None for id in "abc"] == [False, True, True]
    assert [job.delivery for job in subject.page()] == [1]


def test_each_org_keeps_its_data_for_its_own_time(subject: Subject) -> None:
    delivered(subject, "a")
    delivered(subject, "b", org=OTHER)
    delivered(subject, "c")
    assert drop(subject, RowKind.PAYLOAD, orgs=[OTHER], others=False, days=9) == 1
    assert [body(subject, id, org) is None for id, org in (("a", ORG), ("b", OTHER))] == [
        False,
        True,
    ]
    assert drop(subject, RowKind.PAYLOAD, orgs=[OTHER], others=True) == 2
    assert body(subject, "a") is None and body(subject, "c") is None


def test_an_org_that_joins_a_group_late_is_caught_up_with(subject: Subject) -> None:
    delivered(subject, "a")
    delivered(subject, "b", org=OTHER)
    drop(subject, RowKind.PAYLOAD, orgs=[OTHER], others=True)  # its place is behind both events now
    assert body(subject, "b", OTHER) is not None
    assert drop(subject, RowKind.PAYLOAD, orgs=[], others=True) == 1
    assert body(subject, "b", OTHER) is None


def test_answers_go_and_what_happened_stays(subject: Subject) -> None:
    subject.put_webhook()
    [delivery] = subject.commit(event("a", new(1))).firsts
    subject.commit(settled=[failing(delivery, HOUR_MS)])
    [attempt] = subject.attempts(delivery)
    assert attempt.evidence == EVIDENCE
    assert drop(subject, RowKind.RESPONSE, before_ms=1_000) == 0  # it was made at 1,000
    assert drop(subject, RowKind.RESPONSE, before_ms=1_001) == 1
    [attempt] = subject.attempts(delivery)
    assert (attempt.number, attempt.status, attempt.duration_ms) == (1, 503, 12)
    assert attempt.evidence == port.Evidence(None, "", [], b"", False, expired=True)
    assert drop(subject, RowKind.RESPONSE, before_ms=1_001) == 0


def test_a_fault_of_the_network_is_no_answer(subject: Subject) -> None:
    subject.put_webhook()
    [delivery] = subject.commit(event("a", new(1))).firsts
    fault = port.Evidence("reset", "closed after 3 ms", [], b"", False)
    subject.commit(
        settled=[settled(delivery, State.RETRYING, status=None, delay_ms=9, evidence=fault)]
    )
    assert drop(subject, RowKind.RESPONSE, before_ms=5_000) == 0
    assert subject.attempts(delivery)[0].evidence == fault


def test_answers_are_the_webhooks_owners(subject: Subject) -> None:
    """With `listenToChildEvents` the event is another org's; the answer is the listener's."""
    assert subject.put_webhook("theirs", org=OTHER) == 1
    [delivery] = subject.commit(event("a", new(1))).firsts
    subject.commit(settled=[failing(delivery, HOUR_MS)])
    assert drop(subject, RowKind.RESPONSE, orgs=[OTHER], others=True, before_ms=9_000) == 0
    assert drop(subject, RowKind.RESPONSE, orgs=[OTHER], others=False, before_ms=9_000, days=1) == 1


def test_answers_of_many_orgs_are_passed_by_in_small_slices(subject: Subject) -> None:
    subject.put_webhook()
    subject.put_webhook("theirs", org=OTHER)
    firsts = subject.commit(*(event(f"e{i}", new(1 + i % 2)) for i in range(40))).firsts
    subject.commit(
        settled=[failing(first, HOUR_MS, webhook=1 + i % 2) for i, first in enumerate(firsts)]
    )
    assert (
        drop(subject, RowKind.RESPONSE, orgs=[OTHER], others=True, before_ms=9_000, rows_max=3)
        == 20
    )
    left = [bool(subject.attempts(first)[0].evidence == EVIDENCE) for first in firsts]
    assert left == [bool(i % 2) for i in range(40)]


def test_refused_events_go_by_their_age(subject: Subject) -> None:
    refused = port.NewRejection(ORG, "n", "r", "bad", "bad", "data", b"{")
    subject.commit(rejections=[refused] * 25)
    assert drop(subject, RowKind.REJECTION, rows_max=10) == 25
    assert subject.rejections() == []


@pytest.mark.parametrize("rows_max", [3, 7, 50])
def test_an_event_larger_than_a_slice_goes_in_as_many_as_it_needs(
    subject: Subject, rows_max: int
) -> None:
    [first] = subject.commit(event("wide", *(new(1 + i) for i in range(30)))).firsts
    for number in range(30):
        subject.commit(settled=[failing(first + number, 0, webhook=1 + number)])
        subject.take(1 + number)
        subject.commit(
            settled=[
                settled(first + number, State.FAILED, webhook=1 + number, attempt=2, status=400)
            ]
        )
    delivered(subject, "b")
    assert drop(subject, RowKind.METADATA, rows_max=rows_max) == 3 + 30 + 60 + 3 + 1
    assert subject.counts() == port.Counts(0, {}, 0, 0)
    assert list(subject.attempts(first)) == []


@pytest.mark.parametrize("crash", [False, True])
def test_a_pass_goes_on_where_it_was_stopped(subject: Subject, crash: bool) -> None:
    delivered(subject, *(f"e{i}" for i in range(20)))
    before = subject.commit().now_ms + LATER
    slice_ = port.DropSlice(RowKind.METADATA, 90, before, (), True, 20, False, before)
    subject.ask(lambda store: store.drop(slice_))
    left = subject.counts().events
    assert 0 < left < 20
    if crash:
        subject.crash()
    else:
        subject.reopen()
    assert subject.counts().events == left
    assert drop(subject, RowKind.METADATA, days=90, rows_max=20) == 4 * left
    assert subject.counts().events == 0


def test_numbers_are_not_given_again_although_everything_is_gone(subject: Subject) -> None:
    subject.put_webhook()
    delivered(subject, "a", "b")
    last = subject.commit(event("c", new(1)), event("d", new(1)))
    subject.commit(settled=[settled(first) for first in last.firsts])
    subject.find(term("t"))
    drop(subject, RowKind.METADATA)
    assert subject.counts().events == 0
    for _ in range(2):
        subject.reopen()
    fresh = subject.commit(event("e", new(1), terms=[term("t")]))
    assert fresh.seqs[0] > max(last.seqs)
    assert fresh.firsts[0] > max(last.firsts)
    assert subject.find(term("t"))[0] == fresh.seqs[0]
    assert subject.counts().index_lag == 0


def test_what_is_kept_is_told(subject: Subject) -> None:
    told = kept(subject)
    assert (told.dropped_ms, told.oldest_event_ms, told.oldest_payload_ms) == (0, None, None)
    receipt = subject.commit(event("a", new(1)))
    delivered(subject, "b")
    told = kept(subject)
    assert told.oldest_event_ms == told.oldest_payload_ms == receipt.now_ms
    drop(subject, RowKind.PAYLOAD, before_ms=5)
    assert kept(subject).dropped_ms == 5
