"""What could not use its connection is charged to nobody, waits, and goes on by itself; and nobody
has a connection held that works for others."""

import asyncio

import msgspec
import pytest

from tests.engine.delivery.guards.held_scene import (
    DOWN,
    ELSEWHERE,
    FIRST,
    SECOND,
    WHY,
    Scene,
    jobs,
    webhook,
)
from tidings.core.connections import holds
from tidings.core.delivery.exchange import AttemptResult, DeliveryVerdict, ReceiverAnswer
from tidings.core.delivery.next_attempt import Wait
from tidings.core.delivery.receivers.breaker import OUTCOMES_MIN
from tidings.core.delivery.receivers.judgement import Condition
from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import DeliveryId
from tidings.core.notices.operational_events import CONNECTION_FAILING
from tidings.core.webhooks.webhook_types import ACTION, KINDS, QUEUE
from tidings.engine.metrics import EngineMetrics
from tidings.engine.webhooks.judgements import WebhookJudgements
from tidings.store import port

LOGIN = AttemptResult(
    DeliveryVerdict.AGAIN, ReceiverAnswer(401, (), b"", False, 1.0, None, WHY), unusable=True
)
OVER_ONE = [name for name, kind in KINDS.items() if kind.connection] + [QUEUE, ACTION]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Probes follow each other at once."""
    for name in ("PROBE_LEAST_S", "PROBE_MOST_S", "APART_S"):
        monkeypatch.setattr(holds, name, 0.01)


@pytest.mark.parametrize("kind", OVER_ONE)
@pytest.mark.parametrize("says", [DOWN, LOGIN], ids=["unreached", "login"])
async def test_nothing_is_charged_and_all_goes_on_by_itself(kind: str, says: AttemptResult) -> None:
    hook = msgspec.structs.replace(FIRST, kind=kind)
    scene = Scene(hook)
    scene.down.add("main")
    scene.says[1] = says
    await scene.commit(*jobs(hook, *range(1, 34)))
    await scene.until(lambda: len(scene.probes) > 5)
    assert scene.ends == [] and scene.sent == []
    assert len(scene.attempts) <= hook.connections_max, "what is held is not tried again and again"
    assert scene.healths.of(1) is None and scene.healths.shown(1) is None, "what it is told stays"
    assert scene.dispatcher.attempts_running == 0
    scene.down.clear()
    del scene.says[1]
    await scene.until(lambda: len(scene.ends) == 33)
    assert sorted(scene.ends) == [(number, State.DELIVERED, 1) for number in range(1, 34)]
    await scene.close()


async def test_all_webhooks_of_all_orgs_over_it_wait_and_no_other() -> None:
    scene = Scene(FIRST, SECOND, ELSEWHERE)
    scene.down.add("main")
    await scene.commit(*jobs(FIRST, 1))
    await scene.until(lambda: scene.watch.held())
    await scene.commit(*jobs(SECOND, 2), *jobs(ELSEWHERE, 3))
    await scene.pass_time()
    assert scene.attempts.count(SECOND.number) == 0, "its lane is held without an attempt"
    assert scene.ends == [(3, State.DELIVERED, 1)]
    assert [held_webhook.number for held_webhook in scene.watch.held_webhooks()] == [1, 2]
    assert scene.watch.counts() == {"main": 2}
    scene.down.clear()
    await scene.until(lambda: len(scene.ends) == 3)
    assert scene.watch.held() == [] and scene.watch.notices() == []
    await scene.close()


@pytest.mark.parametrize("says", [DOWN, LOGIN], ids=["unreached", "login"])
async def test_no_tenant_has_a_connection_held_that_works_for_others(says: AttemptResult) -> None:
    """Whatever its attempts say, and whatever made a broker or a database say so."""
    scene = Scene(FIRST, SECOND)
    scene.says[FIRST.number] = says
    numbers = range(1, 1 + 2 * OUTCOMES_MIN)
    await scene.commit(*jobs(FIRST, *numbers))
    for number in range(1000, 1050):
        await scene.commit(*jobs(SECOND, number))
        assert scene.watch.held() == []
    delivered = [end for end in scene.ends if end[1] is State.DELIVERED]
    assert [pair[0] for pair in delivered] == list(range(1000, 1050)), "each at once"
    await scene.until(lambda: scene.healths.open_causes.total() == 1)
    charged = [end for end in scene.ends if end[1] is State.RETRYING]
    assert {pair[0] for pair in charged} <= {*numbers} and len(charged) >= OUTCOMES_MIN
    assert scene.healths.of(SECOND.number) is None
    await scene.close()


async def test_a_suspicion_makes_its_own_lane_wait_until_the_probe_has_ended() -> None:
    scene = Scene(FIRST, SECOND)
    answered = asyncio.Event()

    async def probe(name: str) -> str:
        await answered.wait()
        return ""

    scene.watch._probe = probe
    scene.says[FIRST.number] = DOWN
    await scene.commit(*jobs(FIRST, *range(1, 9)))
    await scene.commit(*jobs(SECOND, 20))
    assert len(scene.attempts) <= FIRST.connections_max + 1
    assert scene.ends == [(20, State.DELIVERED, 1)] and scene.dispatcher.attempts_running == 0
    answered.set()
    await scene.until(lambda: len(scene.ends) > 1)
    await scene.close()


async def test_a_retry_keeps_the_number_of_its_attempt() -> None:
    scene = Scene(FIRST)
    scene.down.add("main")
    await scene.commit(claimed=jobs(FIRST, 5, attempt=3), due=[(FIRST.number, None)])
    await scene.until(lambda: len(scene.probes) > 3)
    assert scene.ends == [] and scene.store.released == []
    scene.down.clear()
    await scene.until(lambda: scene.ends)
    assert scene.ends == [(5, State.DELIVERED, 3)]
    await scene.close()


async def test_the_order_of_a_key_is_kept() -> None:
    one_at_a_time = msgspec.structs.replace(FIRST, connections_max=1)
    scene = Scene(one_at_a_time)
    scene.down.add("main")
    await scene.commit(*jobs(one_at_a_time, 1, 2, 3, key=4))
    await scene.until(lambda: len(scene.probes) > 2)
    scene.down.clear()
    await scene.until(lambda: len(scene.ends) == 3)
    assert scene.sent == [(1, b"1"), (1, b"2"), (1, b"3")]
    await scene.close()


async def test_a_paused_webhook_stays_paused_and_what_was_resumed_meanwhile_goes() -> None:
    scene = Scene(FIRST, SECOND)
    scene.down.add("main")
    await scene.commit(*jobs(FIRST, 1), *jobs(SECOND, 2))
    await scene.until(lambda: scene.watch.held())
    for running in (FIRST, SECOND):
        paused = msgspec.structs.replace(running, status=WebhookStatus.PAUSED)
        scene.registry.put(paused)
        scene.heard.changed.tell(paused)
    scene.registry.put(SECOND)
    scene.heard.changed.tell(SECOND)
    await scene.pass_time()
    assert scene.sent == []
    scene.down.clear()
    await scene.until(lambda: scene.ends)
    await scene.pass_time()
    assert scene.ends == [(2, State.DELIVERED, 1)]
    await scene.close()


async def test_a_restart_in_the_middle_charges_nothing_and_goes_on() -> None:
    scene = Scene(FIRST)
    scene.down.add("main")
    await scene.commit(*jobs(FIRST, 1, 2, 3))
    await scene.until(lambda: scene.watch.held())
    await scene.close()
    assert scene.ends == []
    then = Scene(FIRST, stored=scene.stored)
    then.down.add("main")
    then.dispatcher.recovery.begin([port.Backlog(FIRST.number, 3, None)])
    await then.until(lambda: then.watch.held())
    assert then.ends == [] and then.sent == []
    then.down.clear()
    await then.until(lambda: len(then.ends) == 3)
    assert sorted(then.ends) == [(number, State.DELIVERED, 1) for number in (1, 2, 3)]
    await then.close()


async def test_what_a_delivery_waits_for_is_said() -> None:
    scene = Scene(FIRST)
    scene.down.add("main")
    await scene.commit(*jobs(FIRST, 1))
    await scene.until(lambda: scene.watch.held())
    next_attempt = scene.dispatcher.next_attempts.of(FIRST.number, DeliveryId(1), False)
    assert (next_attempt.why, next_attempt.over) == (Wait.CONNECTION, "main")
    assert scene.dispatcher.next_attempts.next_in_ms(FIRST.number, 5) is None
    [notice] = scene.watch.notices()
    assert notice.startswith("The connection main has been unusable since 1970-01-01 00:16Z; ")
    assert WHY in notice and "webhooks that wait for it: 1." in notice
    await scene.close()


async def test_each_org_is_told_once_after_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holds, "ORGS_NOTIFIED_AFTER_S", 0.1)
    paused = webhook(4, 10, status=WebhookStatus.PAUSED)
    scene = Scene(FIRST, webhook(5, 7), SECOND, ELSEWHERE, paused)
    scene.down.add("main")
    await scene.commit(*jobs(FIRST, 1))
    await scene.until(lambda: scene.watch.held())
    assert scene.told == []
    await scene.until(lambda: scene.told)
    await scene.pass_time(0.1)
    assert [(kind, org) for kind, org, _ in scene.told] == [(CONNECTION_FAILING, 7)] + [
        (CONNECTION_FAILING, 8)
    ]
    fact = scene.told[0][2]
    assert fact["webHooks"] == ["hook 1", "hook 5"] and fact["webHooksWaiting"] == 2
    assert fact["cause"] == WHY and fact["connection"] == "main"
    assert scene.told[1][2]["webHooks"] == ["hook 2"], "no org sees another's"
    await scene.close()


async def test_what_ends_its_window_meanwhile_is_parked() -> None:
    scene = Scene(FIRST, ELSEWHERE)
    scene.down.add("main")
    assert not scene.healths.parks(FIRST)
    await scene.commit(*jobs(FIRST, 1))
    await scene.until(lambda: scene.watch.held())
    assert scene.healths.parks(FIRST) and not scene.healths.parks(ELSEWHERE)
    assert not scene.healths.parks(msgspec.structs.replace(FIRST, status=WebhookStatus.PAUSED))
    looked: list[int] = []

    async def park(webhook: int, before_ms: int, limit: int) -> int:
        looked.append(webhook)
        return 0

    scene.store.park_expired = park  # type: ignore[method-assign,assignment]
    await scene.healths._review()
    assert looked == [FIRST.number]
    await scene.close()


async def test_what_may_have_left_is_judged_whatever_its_driver_says_of_the_connection() -> None:
    scene = Scene(FIRST)
    scene.down.add("main")
    scene.leaves_first = True
    await scene.commit(*jobs(FIRST, 1))
    assert scene.ends == [(1, State.RETRYING, 1)] and scene.probes == []
    await scene.close()


async def test_a_probe_that_fails_by_our_own_fault_holds_nobody() -> None:
    """The port raises nothing; whatever does is told in the log and leaves attempts as they are."""
    scene = Scene(FIRST)
    scene.says[1] = DOWN
    scene.fails = RuntimeError("ours")
    await scene.commit(*jobs(FIRST, 1))
    await scene.until(lambda: scene.ends)
    assert scene.watch.held() == []
    await scene.close()


async def test_a_probe_that_is_cut_off_is_made_again() -> None:
    scene = Scene(FIRST)
    scene.down.add("main")
    begun = asyncio.Event()

    async def hangs(name: str) -> str:
        begun.set()
        await asyncio.Event().wait()
        return ""

    scene.watch._probe = hangs
    await scene.commit(*jobs(FIRST, 1))
    await begun.wait()
    scene.watching.cancel()
    await asyncio.gather(scene.watching, return_exceptions=True)
    scene.watch._probe = scene.probe
    scene.watching = asyncio.get_running_loop().create_task(scene.watch.run())
    await scene.until(lambda: scene.watch.held())
    assert scene.ends == []
    await scene.close()


async def test_a_webhook_that_is_led_elsewhere_or_deleted_meanwhile_waits_no_longer() -> None:
    scene = Scene(FIRST, SECOND)
    scene.down.add("main")
    await scene.commit(*jobs(FIRST, 1), *jobs(SECOND, 2))
    await scene.until(lambda: scene.watch.held())
    elsewhere = msgspec.structs.replace(FIRST, connection="other", version=2)
    scene.registry.put(elsewhere)
    scene.heard.changed.tell(elsewhere)
    deleted = msgspec.structs.replace(SECOND, status=WebhookStatus.DELETED)
    scene.registry.remove(SECOND.number)
    scene.heard.changed.tell(deleted)
    await scene.until(lambda: scene.ends)
    assert scene.ends == [(1, State.DELIVERED, 1)]
    scene.down.clear()
    await scene.until(lambda: not scene.watch.held())
    await scene.close()


def test_every_type_that_goes_over_a_connection_is_tried() -> None:
    assert {*OVER_ONE} >= {name for name, kind in KINDS.items() if kind.connection or kind.queue}


async def test_the_one_judgement_says_that_a_webhook_is_held_up() -> None:
    """Overview, list, metrics and doctor ask it."""
    scene = Scene(FIRST, SECOND, ELSEWHERE)
    judgements = WebhookJudgements(
        scene.healths, scene.registry, EngineMetrics(), None, scene.watch
    )
    assert judgements.of(FIRST).condition is Condition.WELL
    scene.down.add("main")
    await scene.commit(*jobs(FIRST, 1))
    await scene.until(lambda: scene.watch.held())
    for held_up in (FIRST, SECOND):
        judgement = judgements.of(held_up)
        assert judgement.condition is Condition.HELD_UP
        assert judgement.hold is not None and judgement.hold.why == WHY
    assert judgements.of(ELSEWHERE).condition is Condition.WELL
    assert judgements.counts()[Condition.HELD_UP] == 2 and not judgements.counts()["failing"]
    scene.down.clear()
    await scene.until(lambda: not scene.watch.held())
    assert judgements.of(FIRST).condition is Condition.WELL
    await scene.close()
