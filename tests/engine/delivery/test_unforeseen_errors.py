"""Whatever is raised at whatever step of an attempt: that attempt ends as our fault, its slot is
free, and the next one goes."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from tests.engine.audit.kept_log import UnkeptLog
from tests.engine.shaping.sending_desk import HOOK, Desk, Line, Shaping, job
from tidings.core.delivery import outcome
from tidings.core.delivery.exchange import (
    AttemptResult,
    DeliveryVerdict,
    FaultKind,
    ReceiverAnswer,
    TransportFault,
)
from tidings.core.delivery.receivers.breaker import Pause
from tidings.core.delivery.schedule import WINDOW_S
from tidings.core.delivery.states import State
from tidings.core.delivery.turns import HANGS_S, LanePace
from tidings.core.ids import DeliveryId, OrgId
from tidings.core.running.lease import EndlessLease
from tidings.core.webhooks.webhook import Webhook
from tidings.core.webhooks.webhook_types import HTTP, KINDS, QUEUE, SQL
from tidings.destinations.port import Message, MessagePreview
from tidings.engine.delivery import attempt_results
from tidings.engine.delivery.guards import judgement
from tidings.engine.delivery.guards.guarded_channel import GuardedDestination
from tidings.engine.delivery.guards.slot_watch import HANGING_PART, LATE_S, LOOK_EVERY_S, OVERRUN_S
from tidings.engine.delivery.guards.unforeseen import KINDS_MAX, AttemptStep, UnforeseenErrors
from tidings.engine.delivery.send_slots import TAKEN_UP_S
from tidings.engine.delivery.trial import Trial
from tidings.store import port

SENT = [name for name, kind in KINDS.items() if not kind.fetched]
SECRET = "7777-secret-of-the-event"
TAKEN = AttemptResult(DeliveryVerdict.DELIVERED, ReceiverAnswer(200, (), b"", False, 1.0))


class Odd(BaseException):
    """No Exception, and known to nobody."""


ERRORS = [
    ValueError(SECRET),
    OverflowError("cannot convert float infinity to integer"),
    RecursionError(),
    MemoryError(),
    TimeoutError(),
    KeyError(SECRET),
    asyncio.CancelledError(),
    asyncio.InvalidStateError(),
    GeneratorExit(),
    SystemExit(1),
    ExceptionGroup("several", [ValueError(SECRET)]),
    Odd(),
]
BEFORE = ["shape", "open", "sign", "note", "send"]
AFTER = ["answer", "no result", "no duration", "no ending"]
OURS = ("sign", "note", "show")  # pure, or our own: nothing but an Exception is raised there
STEPS = [
    (at, error)
    for at in (*BEFORE, "answer")
    for error in ERRORS
    if at not in OURS or isinstance(error, Exception)
]
TRIAL_STEPS = [
    (at, error)
    for at in ("shape", "open", "send", "answer", "close", "show")
    for error in ERRORS
    if at not in OURS or isinstance(error, Exception)
]
DECIDING = ["classify", "promised", "charge", "settled", "observe"]


def name_of(value: object) -> str:
    return value if isinstance(value, str) else type(value).__name__


class Fails:
    """What an attempt is made with: a destination, its channels and its shaping, which fail at a
    step with an error, as often as they are told to."""

    def __init__(self, at: str, error: BaseException, times: int = 1) -> None:
        self.at = at
        self.error = error
        self.times = times
        self.sent: list[bytes] = []
        self.closed = 0

    def come_to(self, step: str) -> None:
        if step == self.at and self.times:
            self.times -= 1
            raise self.error.with_traceback(None)

    # -- a destination

    def open(self, webhook: Webhook) -> "Fails":
        self.come_to("open")
        return self

    def carried(self, webhook: Webhook) -> list[tuple[str, str]]:
        self.come_to("show")
        return []

    def show(self, webhook: Webhook, headers: Any, body: bytes, key: int | None) -> MessagePreview:
        self.come_to("show")
        return MessagePreview("POST", headers, body)

    # -- a channel

    async def send(self, message: Message) -> Any:
        self.come_to("send")
        await asyncio.sleep(0)
        if message.headers_if_current([]) is None:
            return None
        self.sent.append(message.body)
        self.come_to("answer")
        if self.times and self.at in AFTER:
            self.times -= 1
            of_kind = {
                "no result": "nonsense",
                "no ending": AttemptResult(DeliveryVerdict.AGAIN, None),  # type: ignore[arg-type]
            }
            nan = AttemptResult(
                DeliveryVerdict.AGAIN, TransportFault(FaultKind.RESET, True, "", float("nan"))
            )
            return of_kind.get(self.at, nan)
        return TAKEN

    def follow(self, webhook: Webhook) -> bool:
        self.come_to("follow")
        return True

    async def close(self) -> None:
        self.closed += 1
        self.come_to("close")


class Scene:
    """A dispatcher whose only webhook fails so."""

    def __init__(self, kind: str, fails: Fails, monkeypatch: Any = None) -> None:
        self.fails = fails
        over = "kafka" if kind == QUEUE else ""
        self.webhook = msgspec.structs.replace(HOOK, kind=kind, connections_max=1, connection=over)
        shaper = Shaping(lambda: fails.come_to("shape"))
        self.desk = Desk(Line(), shaper, self.webhook)
        self.dispatcher = self.desk.dispatcher
        self.dispatcher._channels._destination = fails
        if monkeypatch is not None:
            self._break(monkeypatch)

    def _break(self, monkeypatch: Any) -> None:
        at, dispatcher = self.fails.at, self.dispatcher

        def broken(step: str, was: Callable[..., Any]) -> Callable[..., Any]:
            def come_to(*given: Any, **named: Any) -> Any:
                self.fails.come_to(step)
                return was(*given, **named)

            return come_to

        if at == "classify":
            monkeypatch.setattr(judgement, "classify", broken(at, outcome.classify))
        if at == "promised":
            keep = dispatcher.promised_retries.keep
            monkeypatch.setattr(dispatcher.promised_retries, "keep", broken(at, keep))
        if at == "charge":
            charge = dispatcher._breakers.charge
            monkeypatch.setattr(dispatcher._breakers, "charge", broken(at, charge))
        if at == "settled":
            monkeypatch.setattr(attempt_results, "settled", broken(at, attempt_results.settled))
        if at == "observe":
            monkeypatch.setattr(
                dispatcher.settler._observer, "observe", broken(at, lambda *_: None)
            )
        if at == "note":
            note = dispatcher.settler._in_flight.note
            monkeypatch.setattr(dispatcher.settler._in_flight, "note", broken(at, note))
        if at == "sign":
            runner = dispatcher.runners.runner_of(self.webhook.number)
            assert runner is not None
            monkeypatch.setattr(runner.headers, "of", broken(at, runner.headers.of))

    async def work(self, *jobs: Any) -> list[port.Settlement]:
        receipt = port.Receipt(now_ms=1_000, claimed=list(jobs))
        self.dispatcher.handover.take(receipt, [], [])
        self.dispatcher.changes.ask(self.webhook.number, 10, 0)  # readers, where it is fetched from
        for _ in range(80):
            await asyncio.sleep(0)
        return self.desk.quiet.settled

    def is_free(self) -> bool:
        """Whether nothing is held any more, and nothing is charged to the receiver."""
        runner = self.dispatcher.runners.at_work[self.webhook.number]
        return (
            self.dispatcher.attempts_running == 0
            and runner.lane.running == 0
            and not runner.slots
            and runner.lane.learned.rate is None
            and runner.lane.breaker.admits(asyncio.get_running_loop().time())
            and self.dispatcher.slot_watch.look() == 0
        )


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with capture_logs():
        yield


@pytest.mark.parametrize(("at", "error"), STEPS, ids=name_of)
@pytest.mark.parametrize("kind", KINDS)
async def test_an_attempt_that_fails_in_any_way_is_our_fault_and_the_next_one_goes(
    kind: str, at: str, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(kind, Fails(at, error, 2 if at == "open" else 1), monkeypatch)
    [failed, delivered] = await scene.work(job(), job(delivery=6))
    assert (failed.delivery, failed.state, failed.attempt) == (5, State.RETRYING, 2)
    assert failed.delay_ms is not None and failed.delay_ms >= 1_000, "on the schedule"
    assert failed.evidence is not None and failed.evidence.kind == FaultKind.OURS
    assert type(error).__name__ in failed.evidence.detail and SECRET not in failed.evidence.detail
    left = at == "answer"
    assert ("may have got it" in failed.evidence.detail) == left
    assert (delivered.delivery, delivered.state) == (6, State.DELIVERED)
    assert len(scene.fails.sent) == (2 if left else 1)
    assert scene.is_free()


@pytest.mark.parametrize("at", AFTER[1:])
@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_no_result_is_our_fault(kind: str, at: str) -> None:
    scene = Scene(kind, Fails(at, ValueError()))
    [failed, delivered] = await scene.work(job(), job(delivery=6))
    assert (failed.state, delivered.state) == (State.RETRYING, State.DELIVERED)
    assert failed.evidence is not None and failed.evidence.kind == FaultKind.OURS
    assert scene.is_free()


@pytest.mark.parametrize("error", [e for e in ERRORS if isinstance(e, Exception)], ids=repr)
@pytest.mark.parametrize("at", DECIDING)
@pytest.mark.parametrize("fails_too", [False, True])
async def test_our_own_decision_may_fail_and_neither_delivery_nor_slot_is_lost(
    at: str, error: Exception, fails_too: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails = Fails(at, error)
    scene = Scene(HTTP, fails, monkeypatch)
    if fails_too:  # and the answer was a refusal
        refusal = AttemptResult(DeliveryVerdict.AGAIN, ReceiverAnswer(503, (), b"", False, 1.0))

        async def refuse(message: Message) -> AttemptResult:
            message.headers_if_current([])
            return refusal

        monkeypatch.setattr(fails, "send", refuse)
    [first] = await scene.work(job())
    assert first.state == (State.RETRYING if fails_too else State.DELIVERED)
    assert fails.times == 0
    assert scene.dispatcher.attempts_running == 0
    assert scene.dispatcher.runners.at_work[1].lane.running == 0


async def test_a_delivery_that_always_fails_so_ends_with_its_window() -> None:
    scene = Scene(SQL, Fails("send", OverflowError(), 99))
    old = job(accepted_ms=1_000 - int(WINDOW_S * 1000))
    [failed] = await scene.work(old)
    assert failed.state == State.FAILED and failed.delay_ms is None
    assert scene.is_free()


@pytest.mark.parametrize("hand_over", ["retry by hand", "replay", "probe"])
@pytest.mark.parametrize("at", [*BEFORE, "answer"])
async def test_retries_by_hand_replays_and_probes_end_so_too(
    at: str, hand_over: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(HTTP, Fails(at, ValueError(), 2 if at == "open" else 1), monkeypatch)
    runner = scene.dispatcher.runners.runner_of(1)
    assert runner is not None
    one = job()
    if hand_over == "retry by hand":
        scene.dispatcher.promised_retries.make(one.org, one.delivery, 5_000)
    elif hand_over == "replay":
        one.replay = 1
    else:
        runner.lane.breaker.resume(Pause(1, 0.0), asyncio.get_running_loop().time())
    [failed] = await scene.work(one)
    assert failed.state == State.RETRYING and scene.dispatcher.attempts_running == 0
    assert not runner.lane.breaker.asking, "the next probe may go"


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_channel_that_cannot_follow_or_close_harms_nobody(
    kind: str, error: BaseException
) -> None:
    for at in ("follow", "close"):
        fails = Fails(at, error)
        scene = Scene(kind, fails)
        await scene.work(job())
        changed = msgspec.structs.replace(scene.webhook, version=2)
        scene.dispatcher.changes.changed(changed)
        first, second = await scene.work(job(delivery=6))
        assert (first.state, second.state) == (State.DELIVERED, State.DELIVERED)
        await scene.dispatcher.stop(1.0)
        assert fails.times == 0 and scene.dispatcher.attempts_running == 0


async def test_a_task_that_is_cancelled_before_its_first_step_frees_its_slot() -> None:
    scene = Scene(HTTP, Fails("", ValueError()))
    scene.dispatcher.handover.take(port.Receipt(now_ms=1_000, claimed=[job()]), [], [])
    runner = scene.dispatcher.runners.at_work[1]
    scene.dispatcher.pump(runner)
    [task] = runner.slots
    task.cancel()
    for _ in range(10):
        await asyncio.sleep(0)
    assert scene.is_free() and not scene.desk.quiet.settled


async def test_permits_that_nobody_holds_are_found_told_and_given_back() -> None:
    scene = Scene(HTTP, Fails("", ValueError()))
    await scene.work(job())
    permits, lane = scene.dispatcher._admission.permits, scene.dispatcher.runners.at_work[1].lane
    late, *_ = [permits.take(OrgId(org), LanePace(), 0.0) for org in (7, 7, 8)]
    lane.running, lane.under_way = 1, {DeliveryId(9)}
    lane.unsettled_attempts[DeliveryId(9)] = 1
    errors = scene.dispatcher.settler._errors
    assert scene.dispatcher.slot_watch.look() == 3
    assert (permits.used, lane.running, errors.lost_slots) == (0, 0, 3)
    assert 9 not in lane.unsettled_attempts, "it is looked for in the store"
    assert any("3 since the start" in notice for notice in errors.notices())
    permits.give(late, 1.0, answered=True)
    assert permits.used == 0, "what comes late changes nothing"
    assert scene.dispatcher.slot_watch.look() == 0


async def test_the_watch_leaves_what_is_held_alone() -> None:
    scene = Scene(HTTP, Fails("", ValueError()))
    gate = asyncio.Event()

    async def hang(message: Message) -> AttemptResult:
        await gate.wait()
        message.headers_if_current([])
        return TAKEN

    scene.fails.send = hang  # type: ignore[method-assign]
    await scene.work(job())
    assert scene.dispatcher.slot_watch.look() == 0 and scene.dispatcher.attempts_running == 1
    gate.set()
    [delivered] = await scene.work()
    assert delivered.state == State.DELIVERED and scene.is_free()


@pytest.mark.parametrize("kind", SENT)
async def test_an_attempt_that_does_not_end_at_its_deadline_is_told_within_thirty_seconds(
    kind: str,
) -> None:
    assert LATE_S + LOOK_EVERY_S < 30
    scene, gate = Scene(kind, Fails("", ValueError())), asyncio.Event()

    async def hang(message: Message) -> AttemptResult:
        message.headers_if_current([])
        await gate.wait()
        return TAKEN

    scene.fails.send = hang  # type: ignore[method-assign]
    await scene.work(job(), job(delivery=6))
    watch = scene.dispatcher.slot_watch
    watch.look()
    assert watch.notices() == [] and not watch.late
    for slot in scene.dispatcher.runners.at_work[1].slots.values():
        slot.began_s -= scene.webhook.deadline_s + LATE_S + 1
    with capture_logs() as logs:
        watch.look()
        watch.look()
    [notice] = watch.notices()
    assert kind in notice and "attempt" in notice and sum(watch.late.values()) in (1, 2)
    assert [log["type"] for log in logs] == [kind]
    gate.set()
    [delivered, *_] = await scene.work()
    assert delivered.state == State.DELIVERED, "it is told, not ended"
    watch.look()
    assert watch.notices() == []


async def test_receivers_that_hang_are_told_of_while_they_hold_a_tenth_of_the_slots() -> None:
    watch = Scene(HTTP, Fails("", ValueError())).dispatcher.slot_watch
    permits = watch._admission.permits
    now_s = asyncio.get_running_loop().time()
    needed = -(-permits.count // HANGING_PART)
    taken = [permits.take(OrgId(7), LanePace(), now_s) for _ in range(needed)]
    assert watch.notices() == [], "they may still answer"
    permits.look_at_young(now_s + HANGS_S)
    [notice] = watch.notices()
    assert f"{needed:,} of {permits.count:,} send slots" in notice
    permits.give(taken.pop(), now_s + HANGS_S, answered=False)
    assert watch.notices() == []


async def test_an_attempt_long_after_its_deadline_is_ended_as_our_fault() -> None:
    scene = Scene(HTTP, Fails("", ValueError()))

    async def hang(message: Message) -> AttemptResult:
        message.headers_if_current([])
        await asyncio.Event().wait()
        return TAKEN

    scene.fails.send = hang  # type: ignore[method-assign]
    await scene.work(job())
    runner = scene.dispatcher.runners.at_work[1]
    [slot] = runner.slots.values()
    scene.dispatcher.slot_watch.look()
    slot.began_s -= scene.webhook.deadline_s + OVERRUN_S + 1
    scene.dispatcher.slot_watch.look()
    [failed] = await scene.work()
    assert failed.state == State.RETRYING and failed.evidence is not None
    assert failed.evidence.kind == FaultKind.OURS and "Overrun" in failed.evidence.detail
    assert scene.is_free()


async def test_what_even_the_guard_fails_at_is_taken_up_from_the_store(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(HTTP, Fails("", ValueError()))
    later: list[tuple[float, Any, Any]] = []
    monkeypatch.setattr(
        scene.dispatcher._loop,
        "call_later",
        lambda delay_s, call, *given: later.append((delay_s, call, given)),
    )
    monkeypatch.setattr(scene.dispatcher._judge, "judge", lambda *_: 1 / 0)
    await scene.work(job(), job(delivery=6))
    assert scene.dispatcher.attempts_running == 0
    lane = scene.dispatcher.runners.at_work[1].lane
    assert lane.running == 0 and lane.unsettled_attempts.keys() == {5, 6}
    assert [pair[0] for pair in later if pair[0] == TAKEN_UP_S] == [TAKEN_UP_S] * 2
    for delay_s, call, given in list(later):
        if delay_s == TAKEN_UP_S:
            call(*given)
    assert not lane.unsettled_attempts


def test_errors_are_logged_once_for_each_kind_and_not_without_end() -> None:
    errors = UnforeseenErrors()
    with capture_logs() as logs:
        for _ in range(50):
            errors.note(ValueError(SECRET), AttemptStep.SEND, SQL)
        assert len(logs) == 1 and SECRET not in str(logs)
        for number in range(2 * KINDS_MAX):
            errors.note(type(f"Kind{number}", (Exception,), {})(), AttemptStep.SEND)
    assert errors.count == 50 + 2 * KINDS_MAX and len(logs) == KINDS_MAX
    [notice] = errors.notices()
    assert "450 times" in notice and SECRET not in notice


@pytest.mark.parametrize(("at", "error"), TRIAL_STEPS, ids=name_of)
@pytest.mark.parametrize("kind", [kind for kind in SENT if kind != QUEUE])
async def test_a_test_message_tells_of_it_and_raises_nothing(
    kind: str, at: str, error: BaseException
) -> None:
    fails, errors = Fails(at, error, 2 if at == "open" else 1), UnforeseenErrors()

    class Clock:
        def now_ms(self) -> int:
            return 1_000

    trial = Trial(
        destination=GuardedDestination(fails, errors),
        audit=UnkeptLog(),
        shaper=Shaping(lambda: fails.come_to("shape")),
        clock=Clock(),
        lease=EndlessLease(),
        errors=errors,
    )
    webhook = msgspec.structs.replace(HOOK, kind=kind)
    told = await trial.send(OrgId(7), webhook, "e", b"{}", lambda: True)
    assert errors.count
    if at in ("close", "show"):
        assert told.delivered
    else:
        assert isinstance(told.ending, TransportFault) and told.ending.kind is FaultKind.OURS
        assert type(error).__name__ in told.ending.detail and SECRET not in told.ending.detail
    assert trial._under_way.held == 0
