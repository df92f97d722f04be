"""What is decided while a connection to the receiver is waited for holds for what waits."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.core.shaping.signatures.signing import default_signer
from tests.engine.delivery.scenes.slow_line import PLAIN, SlowLine, changed, desk_of
from tests.engine.shaping.sending_desk import BODY, HOOK, Desk, Shaping, job
from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import DeliveryId
from tidings.core.webhooks.webhook import Webhook
from tidings.store import port


@pytest.mark.parametrize("plain", [True, False])
async def test_a_new_url_and_secret_are_those_of_what_has_not_left(plain: bool) -> None:
    line, shaper = SlowLine(200), Shaping()
    hook = msgspec.structs.replace(HOOK, plain=plain)
    desk = desk_of(line, hook, shaper)
    assert await desk.work(job()) == [] and desk.noted.attempts == []  # type: ignore[attr-defined]
    changed(desk, hook, url="https://y.example/", secrets=(b"t" * 32,))
    line.connected.set()
    [delivered] = await desk.work()
    assert (delivered.state, delivered.attempt, delivered.version) == (State.DELIVERED, 2, 2)
    [(host, headers, body)] = line.sent
    assert host == "y.example" and body == (BODY if plain else b'{"made":2}')
    now_s = int(headers["webhook-timestamp"])
    signed = default_signer((b"t" * 32,)).sign(headers["webhook-id"], now_s, body)
    assert headers["webhook-signature"] == signed
    assert desk.noted.attempts == [(5, 2)]  # type: ignore[attr-defined]
    assert line.closed == ["x.example"], "the old line is closed after its last attempt"


async def test_what_was_shaped_and_did_not_leave_is_shaped_from_what_was_accepted() -> None:
    class Keeping(Shaping):
        async def shape(self, webhook: Webhook, job: Any) -> bytes:
            seen.append(job.body)
            return await super().shape(webhook, job)

    seen: list[bytes] = []
    line = SlowLine(503)
    desk = desk_of(line, HOOK, Keeping())
    assert await desk.work(job()) == []
    changed(desk, HOOK, status=WebhookStatus.PAUSED)
    line.connected.set()
    assert await desk.work() == [] and line.sent == []
    desk.dispatcher.changes.changed(msgspec.structs.replace(HOOK, version=3))
    [failed] = await desk.work()
    assert seen == [BODY, BODY] and failed.sent == b'{"made":2}' and failed.attempt == 2


def set_standing(standing: WebhookStatus) -> Callable[[Desk], None]:
    return lambda desk: changed(desk, PLAIN, status=standing)


def stop(desk: Desk) -> None:
    desk.stopped = True
    desk.dispatcher.changes.switched()


def cancel(desk: Desk) -> None:
    receipt = port.Receipt(
        now_ms=1_000, cancelled=[port.CancelReceipt(True, ((1, DeliveryId(5)),))]
    )
    desk.dispatcher.handover.take(receipt, [], [])


HOLDS = {
    **{off.value: set_standing(off) for off in WebhookStatus if off is not WebhookStatus.ACTIVE},
    "stop": stop,
    "cancel": cancel,
}


@pytest.mark.parametrize("refuses", [False, True])
@pytest.mark.parametrize("hold", HOLDS.values(), ids=HOLDS.keys())
async def test_what_may_not_leave_any_more_does_not_and_is_charged_to_nobody(
    hold: Callable[[Desk], None], refuses: bool
) -> None:
    line = SlowLine(refuses=refuses)
    desk = desk_of(line)
    assert await desk.work(job()) == [] and desk.dispatcher.attempts_running == 1
    hold(desk)
    line.connected.set()
    assert await desk.work() == [] and line.sent == []
    assert desk.noted.attempts == [] and desk.dispatcher.attempts_running == 0  # type: ignore[attr-defined]


async def test_without_a_change_a_refused_connection_is_a_failed_attempt() -> None:
    line = SlowLine(refuses=True)
    line.connected.set()
    desk = desk_of(line)
    [failed] = await desk.work(job())
    assert (failed.state, failed.attempt) == (State.RETRYING, 2)
    assert desk.noted.attempts == []  # type: ignore[attr-defined]


async def test_at_the_end_of_the_service_only_what_has_left_is_possibly_sent() -> None:
    line = SlowLine()
    desk = desk_of(line)
    assert await desk.work(job()) == [] and desk.dispatcher.attempts_running == 1
    await desk.dispatcher.stop(0.01)
    assert desk.quiet.settled == [] and desk.dispatcher.attempts_running == 0
