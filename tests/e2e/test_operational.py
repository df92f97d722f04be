"""Operational events as a brand sees them: stored, found, signed, and delivered to the others."""

from collections.abc import Callable

from .harness.api import Api
from .harness.events import event, new_id
from .harness.receiver import Receiver
from .harness.until import until


def test_a_disabled_webhook_is_told_to_another_one(
    new_org: Callable[..., Api], receiver: Receiver
) -> None:
    api = new_org()
    watch, gone = receiver.path(), receiver.path(status=410)
    names = ["tidings.webhook.disabled", "tidings.delivery.exhausted"]
    api.webhook(receiver.url(watch), name="watch", eventNames=names)
    about = api.webhook(receiver.url(gone), name="shop", eventNames=["pointsIssued", *names])
    first = new_id()
    api.accept(event(first, api.org))
    told = {arrival.event["eventName"]: arrival for arrival in receiver.wait(watch, 2)}
    ended, disabled = told["tidings.delivery.exhausted"], told["tidings.webhook.disabled"]
    assert ended.event["data"]["eventIds"] == [first]
    assert ended.event["data"]["webHookId"] == about["webHookId"]
    assert "410" in disabled.event["data"]["reason"]
    assert "webhook-signature" in disabled.headers
    assert disabled.message == disabled.event_id
    fate = api.event(disabled.event_id)
    assert [row["webHookName"] for row in fate["deliveries"]] == ["watch"]
    assert len(receiver.arrivals(gone)) == 1


def test_nobody_else_may_send_one(api: Api) -> None:
    body = (
        b'{"eventName":"tidings.webhook.disabled","data":{"webHookId":"x","reason":"y","parked":1}}'
    )
    [row] = api.post(body).must(422)["events"]
    assert row["error"]["code"] == "reserved_name"


def test_its_figures_are_there(api: Api) -> None:
    def ask() -> bool:
        text = api.get("/metrics").body
        return b"tidings_notices_lost_total" in text and b"tidings_retention_" in text

    assert until(ask, "the figures of both jobs")
