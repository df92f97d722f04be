"""Incidents at work: kept over restarts and pauses, told once, and looked at in turns."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

import msgspec
import pytest

from tests.engine.delivery.scenes.health_parts import HOOK, Clock
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.incidents.incident import Incident, IncidentChange, IncidentKind
from tidings.core.incidents.observation import Observation
from tidings.core.webhooks.subscriptions import Registry
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.callables import Notify
from tidings.engine.incidents.sightings import SeenBacklog
from tidings.engine.incidents.tracker import COUNT_EVERY, REVIEWED_MAX, IncidentTracker
from tidings.engine.listeners import new_listeners
from tidings.engine.metrics import EngineMetrics
from tidings.store import port

replace = msgspec.structs.replace


class Rows:
    """The store's part."""

    def __init__(self) -> None:
        self.kept: dict[int, Incident] = {}
        self.down = False
        self.meanwhile: Callable[[], Awaitable[object]] | None = None  # before the next write

    async def put_incidents(self, incidents: Sequence[Incident]) -> None:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        if self.down:
            raise port.StoreDown("full")
        self.kept |= {incident.number: incident for incident in incidents}

    async def incidents(self, query: port.IncidentQuery) -> Sequence[Incident]:
        assert query == port.IncidentQuery(limit=1)
        return [self.kept[number] for number in sorted(self.kept)[-1:]]

    async def open_incidents(self) -> Sequence[Incident]:
        return [
            incident
            for incident in self.kept.values()
            if incident.is_open or (incident.notified_opened and not incident.notified_ended)
        ]


class Sightings:
    """What reviews see: of every webhook the same."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.state: IncidentKind | None = None
        self.failing: set[int] = set()
        self.looked: list[int] = []
        self.counted: list[list[int]] = []
        self.down = False

    def numbers(self) -> set[int]:
        return self.failing

    def backlogged(self) -> Sequence[int]:
        return ()

    async def backlogs(self, webhooks: Sequence[int]) -> Mapping[int, SeenBacklog]:
        self.counted.append(list(webhooks))
        if self.down:
            raise port.StoreDown("full")
        return {}

    def of(self, webhook: Webhook, backlog: SeenBacklog | None) -> Observation:
        self.looked.append(webhook.number)
        fails = self.state is not None
        return Observation(
            webhook=webhook.number,
            org=webhook.org,
            now_ms=self.clock.now_ms(),
            sends=webhook.sends,
            state=self.state,
            cause="503" if fails else "",
            since_ms=5 if fails else None,
            failures=3 if fails else 0,
            run_since_ms=5 if fails else None,
        )

    def forget(self, kept: object) -> None:
        pass

    def oldest_due_s(self) -> float:
        return 0.0


class Listener:
    def __init__(self) -> None:
        self.heard: list[tuple[int, IncidentChange]] = []
        self.pending: list[Notify] = []

    def note(self, incident: Incident, change: IncidentChange, on_notified: Notify) -> None:
        self.heard.append((incident.number, change))
        self.pending.append(on_notified)


class Audit:
    def recording(self, *changed: object) -> AbstractContextManager[None]:
        return nullcontext()


class Scene:
    def __init__(self, rows: Rows | None = None) -> None:
        self.rows, self.clock, self.registry = rows or Rows(), Clock(), Registry()
        self.sightings, self.listener = Sightings(self.clock), Listener()
        self.signals = new_listeners()
        self.metrics = EngineMetrics()
        self.tracker = IncidentTracker(
            store=self.rows,  # type: ignore[arg-type]
            registry=self.registry,
            clock=self.clock,
            sightings=self.sightings,  # type: ignore[arg-type]
            audit=Audit(),  # type: ignore[arg-type]
            heard=self.signals,
            metrics=self.metrics,
            listener=self.listener,
        )
        self.put(HOOK)

    def put(self, webhook: Webhook) -> None:
        self.registry.put(webhook)
        self.sightings.failing.add(webhook.number)

    async def review(self, state: IncidentKind | None) -> list[Incident]:
        self.sightings.state = state
        await self.tracker.review()
        return list(self.tracker.of(HOOK.number))


FAILING = IncidentKind.FAILING


async def scene(rows: Rows | None = None) -> Scene:
    made = Scene(rows)
    await made.tracker.load()
    return made


async def test_a_kill_forgets_no_incident_and_makes_none_twice() -> None:
    first = await scene()
    [opened] = await first.review(FAILING)
    second = await scene(first.rows)  # nothing was closed
    assert await second.review(FAILING) == [opened]
    assert list(second.rows.kept) == [opened.number]
    assert await second.review(None) == []
    assert second.rows.kept[opened.number].ended_ms is not None


async def test_a_clock_that_was_set_back_over_a_restart_gives_no_number_twice() -> None:
    first = await scene()
    [opened] = await first.review(FAILING)
    await first.review(None)
    second = await scene(first.rows)
    second.clock.ms -= 900_000
    [later] = await second.review(FAILING)
    assert later.number > opened.number


async def test_pause_edit_and_disabling_keep_an_incident_until_it_recovers() -> None:
    at = await scene()
    [opened] = await at.review(FAILING)
    for status in (WebhookStatus.PAUSED, WebhookStatus.DISABLED):
        at.registry.put(replace(HOOK, status=status, version=2))
        assert await at.review(None) == [opened]
    at.registry.put(replace(HOOK, version=3, url="https://new.example.com"))
    assert await at.review(FAILING) == [opened]
    assert await at.review(None) == []


async def test_what_the_store_does_not_answer_or_take_is_for_the_next_review() -> None:
    at = await scene()
    at.rows.down = at.sightings.down = True
    [opened] = await at.review(FAILING)
    assert not at.rows.kept
    at.rows.down = at.sightings.down = False
    assert await at.review(FAILING) == [opened]
    assert list(at.rows.kept) == [opened.number]
    for _ in range(COUNT_EVERY):
        await at.review(FAILING)
    assert at.sightings.counted == [[], [HOOK.number]]


async def test_the_incidents_of_a_deleted_webhook_end_and_are_written() -> None:
    at = await scene()
    [opened] = await at.review(FAILING)
    deleted = replace(HOOK, status=WebhookStatus.DELETED)
    at.registry.remove(HOOK.number)
    at.sightings.failing.clear()
    at.signals.changed.tell(deleted)
    await at.tracker.review()
    assert at.rows.kept[opened.number].end_reason == "deleted"
    assert at.tracker.counts() == dict.fromkeys(IncidentKind, 0)


async def test_a_listener_hears_of_each_change_once_also_over_restarts() -> None:
    first = await scene()
    [opened] = await first.review(FAILING)
    await first.review(FAILING)
    assert first.listener.heard == [(opened.number, IncidentChange.OPENED)]
    second = await scene(first.rows)  # nobody was sure that it was told
    assert second.listener.heard == [(opened.number, IncidentChange.OPENED)]
    second.listener.pending.pop()()
    await second.tracker.write()
    third = await scene(first.rows)
    await third.review(None)
    assert third.listener.heard == [(opened.number, IncidentChange.ENDED)]


async def test_an_end_that_nobody_is_sure_to_have_heard_is_told_after_a_restart() -> None:
    first = await scene()
    [opened] = await first.review(FAILING)
    first.listener.pending.pop()()
    await first.review(None)
    second = await scene(first.rows)
    assert second.listener.heard == [(opened.number, IncidentChange.ENDED)]
    second.listener.pending.pop()()
    await second.tracker.write()
    assert not (await scene(second.rows)).listener.heard


async def test_a_review_looks_at_so_many_webhooks_and_the_next_ones_at_the_others() -> None:
    at = await scene()
    for number in range(10, 10 + 2 * REVIEWED_MAX):
        at.put(replace(HOOK, number=number))
    seen: set[int] = set()
    for _ in range(3):
        at.sightings.looked.clear()
        await at.review(FAILING)
        assert len(at.sightings.looked) <= REVIEWED_MAX
        seen |= {*at.sightings.looked}
    assert seen == at.sightings.failing
    assert len(at.rows.kept) == len(seen)
    assert at.tracker.counts()["failing"] == len(seen)


async def test_one_whose_family_has_left_is_dropped_and_not_ended() -> None:
    at = await scene()
    [opened] = await at.review(FAILING)
    at.registry.remove(HOOK.number)
    await at.tracker.review()
    assert at.rows.kept == {opened.number: opened}
    assert not at.tracker.of(HOOK.number)


@pytest.mark.parametrize("state", [IncidentKind.FAILING, IncidentKind.DEGRADED])
async def test_metrics_count_what_is_open_opened_and_ended(state: IncidentKind) -> None:
    at = await scene()
    await at.review(state)
    ask = at.metrics.divided["incidents_open"]
    assert ask()[state.value] == 1
    await at.review(None)
    assert ask()[state.value] == 0
    assert at.metrics.counters["incidents_opened"]() == 1
    assert at.metrics.counters["incidents_ended"]() == 1


async def test_an_acknowledgement_outlives_what_waits_to_be_written_and_a_kill() -> None:
    first = await scene()
    [opened] = await first.review(FAILING)
    first.listener.pending.pop()()  # a change from before waits to be written
    await first.tracker.acknowledge(opened, "ann", "the cable")
    await first.tracker.write()
    second = await scene(first.rows)
    [known] = second.tracker.of(HOOK.number)
    assert (known.note, known.acknowledged_by, known.notified_opened) == ("the cable", "ann", True)


async def test_an_incident_that_ends_while_it_is_acknowledged_stays_ended_with_the_note() -> None:
    at = await scene()
    [opened] = await at.review(FAILING)
    at.rows.meanwhile = lambda: at.review(None)
    await at.tracker.acknowledge(opened, "ann", "the cable")
    await at.tracker.write()
    assert not at.tracker.of(HOOK.number)
    assert await at.review(None) == []


async def test_an_acknowledgement_that_is_not_written_leaves_nothing_behind() -> None:
    at = await scene()
    [opened] = await at.review(FAILING)
    await at.tracker.acknowledge(opened, "ann", "the cable")
    [known] = at.tracker.of(HOOK.number)
    at.rows.down = True
    with pytest.raises(port.StoreDown):
        await at.tracker.acknowledge(opened, "bob", "no, the plug")
    at.rows.down = False
    assert await at.review(FAILING) == [known]
    assert at.rows.kept[opened.number] == known


async def test_one_that_has_ended_is_acknowledged_and_stays_ended() -> None:
    at = await scene()
    [opened] = await at.review(FAILING)
    await at.review(None)
    ended = at.rows.kept[opened.number]
    shown = await at.tracker.acknowledge(ended, "ann", "it was the cable")
    assert (shown.note, shown.is_open) == ("it was the cable", False)
    await at.tracker.write()
    assert at.rows.kept == {opened.number: shown}
    assert not at.tracker.of(HOOK.number)
