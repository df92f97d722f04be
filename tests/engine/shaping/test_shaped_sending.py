"""The dispatcher and the shape step: what is sent, kept, and said where nothing can be sent."""

import msgspec
import pytest

from tests.core.shaping.signatures.signing import default_signer
from tests.engine.shaping.sending_desk import BODY, HOOK, Desk, Line, Shaping, job
from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.shaping.left_out import LeftOut
from tidings.engine.delivery.guards import judgement
from tidings.engine.shaping.faults import ShapeLater, ShapeRefused


async def test_what_is_shaped_is_signed_sent_and_kept_until_it_is_delivered() -> None:
    line, shaper = Line(503, 200), Shaping()
    [failed, delivered] = await Desk(line, shaper).work(job(), job(delivery=6))
    assert [body for _, body in line.sent] == [b'{"made":1}', b'{"made":2}']
    assert failed.state == State.RETRYING and failed.sent == b'{"made":1}'
    assert delivered.state == State.DELIVERED and delivered.sent is None


async def test_what_an_earlier_attempt_has_sent_is_not_shaped_again() -> None:
    line, shaper = Line(503), Shaping()
    [failed] = await Desk(line, shaper).work(job(body=b"kept", shaped=True))
    assert shaper.asked == 0 and line.sent[0][1] == b"kept"
    assert failed.sent is None  # it is kept already


async def test_what_was_sent_thin_is_written_of_it_whatever_came_of_it() -> None:
    shaper = Shaping()
    shaper.left_out = LeftOut(("tillDetailsEnrichmentEnabled",), "It was down.")
    outcomes = await Desk(Line(503, 200), shaper).work(job(), job(delivery=6))
    assert [outcome.left_out for outcome in outcomes] == [shaper.left_out, shaper.left_out]
    kept = job(body=b"kept", shaped=True)
    [retried] = await Desk(Line(200), shaper).work(kept)
    assert retried.left_out is None  # it is said already


async def test_what_was_made_thin_and_not_sent_says_nothing() -> None:
    def later() -> None:
        raise ShapeLater("Another transformation is under way.", 1.0)

    shaper = Shaping(later)
    shaper.left_out = LeftOut(("tillDetailsEnrichmentEnabled",), "It was down.")
    [put_off] = await Desk(Line(), shaper).work(job())
    assert put_off.state == State.RETRYING and put_off.left_out is None


async def test_a_plain_webhook_is_never_shaped() -> None:
    line, shaper = Line(503), Shaping()
    plain = msgspec.structs.replace(HOOK, plain=True)
    [failed] = await Desk(line, shaper, plain).work(job())
    assert shaper.asked == 0 and line.sent[0][1] == BODY and failed.sent is None


async def test_what_cannot_be_shaped_fails_with_a_sentence_and_the_next_one_goes() -> None:
    def refuse_the_first() -> None:
        if shaper.asked == 1:
            raise ShapeRefused("The transformation takes more than 50000 steps.")

    line = Line(200)
    shaper = Shaping(refuse_the_first)
    [refused, delivered] = await Desk(line, shaper).work(job(), job(delivery=6))
    assert (refused.state, refused.delay_ms, refused.status) == (State.FAILED, None, None)
    assert refused.evidence is not None and refused.evidence.kind == "transform"
    assert refused.evidence.detail == "The transformation takes more than 50000 steps."
    assert refused.sent is None
    assert delivered.state == State.DELIVERED and len(line.sent) == 1


async def test_what_can_be_shaped_later_is_tried_again_not_before_and_charged_to_us() -> None:
    def later() -> None:
        raise ShapeLater("The platform does not answer.", 7_200.0)

    desk = Desk(Line(), Shaping(later))
    [waiting] = await desk.work(job())
    assert waiting.state == State.RETRYING and waiting.sent is None
    assert waiting.delay_ms is not None and waiting.delay_ms >= 7_200_000
    assert waiting.evidence is not None and waiting.evidence.kind == "ours"


@pytest.mark.parametrize("status", sorted(set(WebhookStatus) - {"active", "paused"}))
async def test_nothing_is_sent_when_the_webhook_ended_while_it_was_shaped(
    status: WebhookStatus,
) -> None:
    line = Line()
    desk: Desk
    shaper = Shaping(
        lambda: desk.dispatcher.changes.changed(
            msgspec.structs.replace(HOOK, status=status, version=2)
        )
    )
    desk = Desk(line, shaper)
    assert await desk.work(job()) == [] and line.sent == []  # charged to nobody
    assert shaper.asked == 1
    assert desk.dispatcher.attempts_running == 0


async def test_what_was_paused_while_it_was_shaped_leaves_later_under_the_same_number() -> None:
    line = Line(200)
    desk: Desk

    def pause_once() -> None:
        if shaper.asked == 1:
            paused = msgspec.structs.replace(HOOK, status=WebhookStatus.PAUSED, version=2)
            desk.dispatcher.changes.changed(paused)

    shaper = Shaping(pause_once)
    desk = Desk(line, shaper)
    assert await desk.work(job()) == [] and line.sent == []
    desk.dispatcher.changes.changed(msgspec.structs.replace(HOOK, version=3))
    [delivered] = await desk.work()
    assert (delivered.attempt, delivered.version) == (2, 3)
    [(headers, body)] = line.sent
    assert headers["tidings-attempt"] == "2" and body == b'{"made":2}'


async def test_what_changed_while_it_was_shaped_is_made_again_by_the_new_version() -> None:
    line = Line(200)
    desk: Desk
    changed = msgspec.structs.replace(
        HOOK,
        version=2,
        url="https://y.example/",
        secrets=(b"t" * 32,),
        headers=(("x-shop", "two"),),
    )

    def change_once() -> None:
        if shaper.asked == 1:
            desk.dispatcher.changes.changed(changed)

    shaper = Shaping(change_once)
    desk = Desk(line, shaper)
    [delivered] = await desk.work(job())
    assert (shaper.asked, delivered.version) == (2, 2)
    [(headers, body)] = line.sent
    assert body == b'{"made":2}' and headers["x-shop"] == "two"
    now_s = int(headers["webhook-timestamp"])
    signed = default_signer(changed.secrets).sign(headers["webhook-id"], now_s, body)
    assert headers["webhook-signature"] == signed
    assert line.opened[-1] == "https://y.example/"


async def test_what_the_old_version_could_not_shape_is_shaped_by_the_new_one() -> None:
    desk: Desk

    def refuse_the_old() -> None:
        if shaper.asked == 1:
            desk.dispatcher.changes.changed(msgspec.structs.replace(HOOK, version=2))
            raise ShapeRefused("The transformation takes too many steps.")

    line = Line(200)
    shaper = Shaping(refuse_the_old)
    desk = Desk(line, shaper)
    [delivered] = await desk.work(job())
    assert delivered.state == State.DELIVERED and delivered.version == 2


async def test_a_change_to_plain_sends_what_was_accepted() -> None:
    desk: Desk
    line = Line(503)
    plain = msgspec.structs.replace(HOOK, plain=True, version=2)
    shaper = Shaping(lambda: desk.dispatcher.changes.changed(plain))
    desk = Desk(line, shaper)
    [failed] = await desk.work(job())
    assert line.sent[0][1] == BODY and failed.sent is None


async def test_nothing_is_sent_when_the_store_refused_while_it_was_shaped() -> None:
    line = Line(200, 200)
    desk: Desk
    shaper = Shaping(lambda: setattr(desk.quiet, "halted", shaper.asked == 1))
    desk = Desk(line, shaper)
    assert await desk.work(job()) == [] and line.sent == []
    desk.quiet.halted = False
    delivered = await desk.work(job(delivery=6))
    assert sorted((settlement.delivery, settlement.attempt) for settlement in delivered) == [
        (5, 2),
        (6, 2),
    ]


async def test_the_first_real_failure_takes_the_first_step_whatever_was_lost_before() -> None:
    [failed] = await Desk(Line(503), Shaping()).work(job(attempt=9, lost=8))
    assert failed.attempt == 9 and failed.delay_ms is not None
    assert 4_000 <= failed.delay_ms <= 6_000
    [failed] = await Desk(Line(503), Shaping()).work(job(attempt=9, lost=6))
    assert failed.delay_ms is not None and 96_000 <= failed.delay_ms <= 144_000


async def test_after_a_start_what_is_older_has_one_more_attempt_by_a_date_that_is_sure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk(Line(503, 503, 503), Shaping())
    window_ms = 168 * 3_600_000
    old = job(accepted_ms=1_000 - window_ms - 5_000, attempt=12)
    monkeypatch.setattr(judgement, "sure", lambda clock: False)
    [waits] = await desk.work(old)
    assert waits.state == State.RETRYING and waits.delay_ms == 600_000
    young = job(delivery=6, accepted_ms=1_000 - window_ms, attempt=12)
    desk.dispatcher._judge.began_ms = young.accepted_ms  # accepted by this process
    assert (await desk.work(young))[1].state == State.FAILED
    monkeypatch.setattr(judgement, "sure", lambda clock: True)
    assert (await desk.work(job(delivery=7, accepted_ms=old.accepted_ms)))[2].state == (
        State.FAILED
    )
