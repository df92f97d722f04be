"""What is no task of the supervisor is watched too: a thread, a pool of threads, a commit, the ends
of secrets, the live stream, lines to brokers; each is told by its name within thirty seconds."""

import asyncio
import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any, TypeVar

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from tests.api.control_client import Clock
from tests.engine.notice_world import CATALOGUE
from tests.engine.running.background import background, started
from tests.engine.sources.topic import until
from tests.simulation.loop import simulate
from tidings.compose import App
from tidings.core.ids import OrgId
from tidings.core.notices.facts import notice
from tidings.core.notices.operational_events import REPLAY_FINISHED
from tidings.destinations.kafka.producer import KafkaProducer
from tidings.destinations.port import BROKER_TASKS
from tidings.egress.port import MailFailed
from tidings.engine.events.feed import PART as FEED
from tidings.engine.events.feed import Feed
from tidings.engine.heartbeats import Heartbeats
from tidings.engine.running import loop_lag
from tidings.engine.running.loop_lag import LoopLag
from tidings.engine.running.supervisor import Supervisor
from tidings.engine.threads import OFFLOAD, POOL, SMALL_BYTES, ThreadOffload, ThreadProbe
from tidings.engine.webhooks.secret_ends import PART as SECRET_ENDS
from tidings.engine.webhooks.secret_ends import SecretEnds

Found = TypeVar("Found")


def quick() -> Heartbeats:
    """Hearts that are looked at twenty times a second, and whose times pass as quickly."""
    heartbeats = Heartbeats(tick_s=0.05, slice_s=0.1, grace_s=0.1)
    heartbeats.start()
    return heartbeats


def figures(heartbeats: Heartbeats) -> str:
    registry = CollectorRegistry()
    registry.register(heartbeats)
    return generate_latest(registry).decode()


@pytest.fixture
def seldom_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    """In tests of hours: how late the loop is, is looked at once a second, not twenty times."""
    monkeypatch.setattr(loop_lag, "BEAT_S", 1.0)


async def notices_each_second(app: App, seconds: int) -> list[list[str]]:
    """What readiness says, second by second."""
    told = []
    for _ in range(seconds):
        await asyncio.sleep(1)
        assert app.running.readiness.problems() == []
        told.append(app.running.readiness.notices())
    return told


async def notices_until_quiet(app: App, over: Callable[[], bool], seconds: int) -> list[list[str]]:
    """What readiness says, second by second, until it is over and five minutes went by quietly."""
    told: list[list[str]] = []
    quiet_s = 0
    while len(told) < seconds and quiet_s < 300:
        told += await notices_each_second(app, 1)
        quiet_s = quiet_s + 1 if over() and not told[-1] else 0
    return told


async def told_within(app: App, seconds: int, text: str) -> bool:
    for _ in range(seconds):
        await asyncio.sleep(1)
        if any(
            text in problem
            for problem in [*app.running.readiness.problems(), *app.running.readiness.notices()]
        ):
            return True
    return False


def watched(silent_s: Callable[[App], Any], name: str) -> None:
    """In the composed service a part is told of by its name within thirty seconds, and in the
    metric, and no longer once it goes on."""

    async def scenario() -> None:
        app = await started()
        assert app.running.readiness.problems() == [] == app.running.readiness.notices()
        go_on = silent_s(app)
        assert await told_within(app, 30, f'"{name}" has not responded')
        assert f'tidings_part_works{{part="{name}"}} 0.0' in figures(app.base.heartbeats)
        go_on()
        await asyncio.sleep(3)
        assert f'tidings_part_works{{part="{name}"}} 1.0' in figures(app.base.heartbeats)
        assert app.running.readiness.problems() == [] == app.running.readiness.notices()
        await app.stop()
        assert background() == {}

    simulate(1, scenario())


def test_a_thread_that_stands_still_is_told() -> None:
    def hang(app: App) -> Callable[[], None]:
        app.base.offload._since_s = -1000.0
        return lambda: setattr(app.base.offload, "_since_s", None)

    watched(hang, OFFLOAD.name)


def test_a_commit_that_stands_still_in_the_middle_of_its_batch_is_told_by_name() -> None:
    async def scenario() -> None:
        app = await started()
        store: Any = app.base.store
        commit, never = store.commit, asyncio.Event()

        async def slow(batch: Any) -> Any:
            await never.wait()
            return await commit(batch)

        store.commit = slow
        app.delivery.engine.commits.claim(1, 1)
        assert await told_within(app, 30, '"commits of events" has not responded')
        assert app.running.readiness.problems() != []
        assert 'tidings_part_works{part="commits of events"} 0.0' in figures(app.base.heartbeats)
        store.commit = commit
        never.set()
        await asyncio.sleep(5)
        assert app.running.readiness.problems() == [] == app.running.readiness.notices()
        await app.stop()

    simulate(1, scenario())


@pytest.mark.usefixtures("seldom_beats")
def test_a_letter_that_its_mail_server_never_takes_is_told_by_name_and_keeps_its_time() -> None:
    async def scenario() -> None:
        app = await started()
        mailer, begun, over = app.notices.notices._emails._mailer, 0, asyncio.Event()

        async def hang(id: str, to: Any, subject: str, text: str) -> None:
            nonlocal begun
            begun += 1
            try:
                async with asyncio.timeout(60.0):
                    await asyncio.Event().wait()
            except TimeoutError:
                over.set()
                raise MailFailed("it has taken more than 60 s", final=False) from None

        setattr(mailer, "send", hang)  # noqa: B010
        emails = app.notices.notices._emails
        emails._addresses = lambda org: ("ops@example.test",)
        finished = CATALOGUE.get(REPLAY_FINISHED)
        assert finished is not None
        await emails.note(notice(REPLAY_FINISHED, OrgId(1), finished.example["data"], 5))
        emails.confirm()
        assert await told_within(
            app, 29, '"letters to owners" has been waiting for the mail server'
        )
        assert app.running.readiness.problems() == [] and not over.is_set() and begun == 1
        assert 'tidings_part_works{part="letters to owners"} 0.0' in figures(app.base.heartbeats)
        await over.wait()
        await asyncio.sleep(3)
        assert begun == 1 and emails.counts["retried"] == 1
        told = await notices_each_second(app, 3 * 3600)
        assert begun >= 4, "it was tried again and again, and once given up"
        assert {len(notices) for notices in told} == {1}, "one notice, which stands"
        assert {notices[0][:32] for notices in told} == {"The mail server takes no letters"}
        assert 'tidings_notice_standing{notice="mail server"} 1.0' in figures(app.base.heartbeats)
        assert 'tidings_part_restarts_total{part="letters to owners"} 0.0' in figures(
            app.base.heartbeats
        )
        await app.stop()

    simulate(1, scenario())


@pytest.mark.usefixtures("seldom_beats")
@pytest.mark.parametrize("failed", ["refused", "deferred", "deferred for long", "no address"])
def test_a_mail_server_that_takes_nothing_is_told_until_it_takes_a_letter(failed: str) -> None:
    async def scenario() -> None:
        app = await started()
        emails, taken = app.notices.notices._emails, 0

        async def send(id: str, to: Any, subject: str, text: str) -> None:
            nonlocal taken
            if failed == "no address":
                raise MailFailed("its header cannot be written", final=True)
            if works.is_set():
                taken += 1
                return
            raise MailFailed("the mail server answers 451", deferred=failed.startswith("deferred"))

        works = asyncio.Event()
        setattr(emails._mailer, "send", send)  # noqa: B010
        emails._addresses = lambda org: ("ops@example.test",)
        finished = CATALOGUE.get(REPLAY_FINISHED)
        assert finished is not None
        await emails.note(notice(REPLAY_FINISHED, OrgId(1), finished.example["data"], 5))
        emails.confirm()
        told = await notices_each_second(app, 2500 if failed == "deferred for long" else 300)
        works.set()
        changes = sum(left != right for left, right in pairwise(told))
        if failed in ("deferred", "no address"):
            assert {len(notices) for notices in told} == {0}, "that is usual, or the letter's"
        else:
            assert len(told[-1]) == 1 and changes <= 1, "told once, and it stands"
        later = await notices_until_quiet(app, lambda: bool(taken) or failed == "no address", 8000)
        assert later[-1] == [] and taken == (failed != "no address")
        assert sum(left != right for left, right in pairwise(later)) <= 1
        await app.stop()

    simulate(1, scenario())


def test_an_alarm_of_secrets_that_does_not_ring_is_told() -> None:
    def lose(app: App) -> Callable[[], None]:
        ends = app.webhooks._versions._ends
        ends.note(404, app.base.clock.now_ms() + 1000)
        assert ends._alarm is not None
        ends._alarm.cancel()
        ends.ring = lambda: None  # type: ignore[method-assign]

        def mend() -> None:
            del ends.ring
            ends.ring()

        return mend

    watched(lose, SECRET_ENDS.name)


async def test_the_end_of_one_secret_that_fails_keeps_no_other_one() -> None:
    told = []

    class Watcher:
        def end_overlap(self, number: int) -> None:
            told.append(number)
            if number == 1:
                raise RuntimeError

    clock = Clock()
    ends = SecretEnds(clock, Watcher())
    for webhook in (1, 2):
        ends.note(webhook, clock.now_ms() - 1)
    ends.note(3, clock.now_ms() + 20)
    ends.ring()
    assert told == [1, 2] and ends.overdue_s() == 0.0
    clock.ms += 30
    await until(lambda: 3 in told)
    ends.close()


def test_a_listener_that_is_not_woken_is_told() -> None:
    def lose(app: App) -> Callable[[], None]:
        subscription = app.events.feed.subscribe(1)
        reading = asyncio.ensure_future(subscription.read(1000.0))

        async def push() -> None:
            await asyncio.sleep(0.1)
            subscription._wake.set = lambda: None  # type: ignore[method-assign]
            subscription.push(Any)  # type: ignore[arg-type]

        pushed = asyncio.ensure_future(push())

        def mend() -> None:
            pushed.cancel()
            reading.cancel()
            app.events.feed.unsubscribe(subscription)

        return mend

    watched(lose, FEED.name)


async def test_a_listener_that_reads_or_is_slow_is_no_fault_of_ours() -> None:
    feed = Feed()
    slow, quick_one = feed.subscribe(1), feed.subscribe(1)
    for number in range(50):
        feed.tell(1, "event", {"number": number})
        await quick_one.read(1.0)
        assert feed.silent_s() == 0.0
    assert len(slow._queue) == 50


def test_what_is_sent_to_a_broker_and_is_overdue_is_told() -> None:
    def late(app: App) -> Callable[[], None]:
        drivers: Any = app.delivery.destination
        due: list[float] = [100.0]
        drivers.overdue_s = lambda: due[0]
        app.base.heartbeats.watch_work(BROKER_TASKS, lambda: due[0])
        return lambda: due.__setitem__(0, 0.0)

    watched(late, BROKER_TASKS.name)


async def test_a_producer_says_for_how_long_it_has_been_at_what_is_over() -> None:
    producer = KafkaProducer({"bootstrap_servers": "127.0.0.1:1"}, "queue", lambda: 0.0)
    assert producer.overdue_s() == 0.0
    for node, due_in_s in ((1, -7), (2, 7), (3, -70)):
        producer._sending[node] = asyncio.create_task(asyncio.sleep(0 if node == 3 else 600))
        producer._due_s[node] = asyncio.get_running_loop().time() + due_in_s
    await producer._sending[3]  # it has ended, and is at nothing
    assert 6.5 < producer.overdue_s() < 20
    await producer.close()


async def test_a_pool_of_threads_without_a_free_one_is_told_until_there_is_one() -> None:
    heartbeats, free = quick(), threading.Event()
    part = type(POOL)(POOL.name, POOL.stalls, work_s=0.3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tidings.engine.threads.PROBE_S", 0.1)
        task = Supervisor(heartbeats).start(part, ThreadProbe().run)
        await asyncio.sleep(0.3)
        assert heartbeats.notices() == []
        held = [asyncio.ensure_future(asyncio.to_thread(free.wait)) for _ in range(64)]
        await until(lambda: any('"threads"' in text for text in heartbeats.notices()))
        free.set()
        await asyncio.gather(*held)
        await until(lambda: 'works{part="threads"} 1.0' in figures(heartbeats))
        await task.stop()
    heartbeats.stop()


async def test_a_thread_at_one_piece_of_work_says_for_how_long() -> None:
    offload, free = ThreadOffload(), threading.Event()
    work = asyncio.ensure_future(offload.run(OrgId(1), SMALL_BYTES + 1, free.wait))
    await until(lambda: offload.silent_s() > 0.05)
    free.set()
    assert await work
    await until(lambda: offload.silent_s() == 0.0)


def owner_of(task: "asyncio.Task[Any]", kind: type[Found]) -> Found:
    """The object whose method a task runs, found by the frames of its coroutines."""
    inner: Any = task.get_coro()
    while inner is not None:
        found = getattr(inner, "cr_frame", None)
        if found is not None and isinstance(found.f_locals.get("self"), kind):
            return found.f_locals["self"]  # type: ignore[no-any-return]
        inner = getattr(inner, "cr_await", None)
    raise AssertionError(f"{task.get_name()} runs no {kind.__name__}")


@pytest.mark.usefixtures("seldom_beats")
def test_a_loop_that_stood_still_is_told_for_an_hour() -> None:
    async def scenario() -> None:
        app = await started()
        lag = owner_of(background()["loop lag"], LoopLag)
        lag.note(asyncio.get_running_loop().time(), 7.0)
        [told] = app.running.readiness.notices()
        assert "stood still for 7 s" in told and app.running.readiness.problems() == []
        assert 'tidings_notice_standing{notice="loop blocked"} 1.0' in figures(app.base.heartbeats)
        await asyncio.sleep(3601)
        assert app.running.readiness.notices() == []
        await app.stop()

    simulate(1, scenario())
