"""A webhook of the type QUEUE_INT calls nobody, and one whose flow nobody knows says so."""

import pytest

from ..harness.api import Api
from ..harness.events import event, new_id
from ..harness.receiver import Receiver
from ..harness.until import until

CUT = {"label": "Without personal data", "value": "cutAll"}


@pytest.mark.parametrize("dialled", [False, True])
def test_no_call_is_made_for_a_queue_whatever_its_url(
    api: Api, receiver: Receiver, dialled: bool
) -> None:
    path = receiver.path()
    url = receiver.url(path) if dialled else ""
    hook = api.webhook(url, "queue", webHookType="QUEUE_INT")
    assert hook["webHookUrl"] == url and hook["warning"]["code"] == "queue_not_served"
    shown = api.get(f"/v3/webHooks/{hook['webHookId']}").must(200)["data"]
    assert api.change(hook, **shown)["webHookUrl"] == url
    heard = receiver.path()
    other = api.webhook(receiver.url(heard), "other")
    sent = new_id()
    api.accept(event(sent, 0))
    api.settled(sent, other)
    assert [row["webHookId"] for row in api.event(sent)["deliveries"]] == [other["webHookId"]]
    for where, body in (
        (f"/v1/webHooks/{hook['webHookId']}/test", {}),
        ("/v1/webHooks/test", {"webHookId": hook["webHookId"]}),
    ):
        reply = api.send("POST", where, body)
        assert (reply.status, reply.json["error"]["code"]) == (409, "not_dialled")
    replay = {"webHookId": other["webHookId"], "toWebHookId": hook["webHookId"]}
    refused = api.send("POST", "/v1/replays", replay | {"eventIds": [sent]})
    assert refused.json["error"]["code"] == "cannot_send"
    preview = api.send("POST", "/v1/webHooks/preview", {"webHookId": hook["webHookId"]}).must(200)
    assert preview["received"] == 0 and "makes no call" in preview["events"][0]["why"]
    assert receiver.arrivals(path) == []


@pytest.mark.parametrize("blank", [True, False])
def test_what_is_unfinished_waits_while_its_webhook_calls_nobody(
    api: Api, receiver: Receiver, blank: bool
) -> None:
    path, elsewhere = receiver.path(status=503), receiver.path()
    hook = api.webhook(receiver.url(path))
    sent = new_id()
    api.accept(event(sent, 0))
    api.settled(sent, states=("retrying",))
    url = "" if blank else receiver.url(elsewhere)
    now = api.change(hook, webHookType="QUEUE_INT", webHookUrl=url)
    assert now["webHookUrl"] == url
    waiting = api.delivery_of(sent)
    tried = len(receiver.arrivals(path))
    assert waiting["state"] == "retrying" and waiting["nextAttemptAt"] is None
    assert "makes no call" in waiting["advice"]
    asked = api.send("POST", f"/v1/deliveries/{waiting['id']}/retry", {})
    assert (asked.status, asked.json["error"]["code"]) == (409, "webhook_does_not_send")
    other = new_id()
    api.accept(event(other, 0))
    assert api.event(other)["deliveries"] == []
    assert receiver.arrivals(elsewhere) == [] and len(receiver.arrivals(path)) <= tried
    receiver.plan(path, status=200)
    api.change(hook, webHookType="HTTP", webHookUrl=receiver.url(path))
    assert api.settled(sent)["state"] == "delivered"
    assert receiver.arrivals(elsewhere) == []


def test_a_flow_that_nobody_knows_is_refused_or_told_everywhere(
    api: Api, receiver: Receiver
) -> None:
    path = receiver.path()
    body = {
        "name": "crm",
        "eventNames": ["pointsIssued"],
        "webHookUrl": receiver.url(path),
        "maxAllowedConnections": 1,
        "neoEnrichment": CUT,
    }
    refused = api.send("POST", "/v3/webHooks", body)
    assert refused.status == 400
    assert [row["code"] for row in refused.json["errors"]] == ["unknown_flow"]
    forced = body | {"neoEnrichment": CUT | {"sendWhole": True}}
    reply = api.send("POST", "/v3/webHooks", forced).must(200)
    hook = reply["data"]
    assert [row["code"] for row in reply["warnings"]] == ["flow_unknown"]
    where = f"/v3/webHooks/{hook['webHookId']}"
    shown = api.get(where).must(200)["data"]
    assert shown["warning"]["code"] == "flow_unknown" and "cutAll" in shown["warning"]["message"]
    assert shown["neoEnrichment"]["sendWhole"] is True
    for method in ("PUT", "PATCH"):
        assert api.send(method, where, shown).must(200)["data"]["warning"] == shown["warning"]
        other = api.send(method, where, {"neoEnrichment": {"value": "other"}})
        assert [row["code"] for row in other.json["errors"]] == ["unknown_flow"]
    sent = new_id()
    api.accept(event(sent, 0))
    done = api.settled(sent)
    assert done["warning"]["code"] == "sent_whole" and "cutAll" in done["warning"]["message"]
    (row,) = api.get(f"/v1/deliveries?eventId={sent}").must(200)["deliveries"]
    assert row["warning"]["code"] == "sent_whole"
    log = f"/v3/events/consumer-groups/{hook['consumerGroupId']}/logs"
    (logged,) = api.get(log).must(200)["data"]["events"]
    assert logged["warning"]["code"] == "sent_whole"
    tested = until(lambda: _tested(api, hook["webHookId"]), "a test message")
    assert tested["warning"]["code"] == "sent_whole"
    # Once there is such a transformation, it shapes and nobody has to be told.
    template = {"name": "cutAll", "template": '{"id": {{ event.eventId | tojson }}}'}
    api.send("POST", "/v1/transformations", template).must(201)
    assert api.get(where).must(200)["data"]["warning"] is None
    again = new_id()
    api.accept(event(again, 0))
    assert api.settled(again)["warning"] is None
    assert receiver.arrivals(path)[-1].event == {"id": again}
    assert api.delivery_of(sent)["warning"]["code"] == "sent_whole", "what was sent stays sent"


def _tested(api: Api, webhook: str) -> dict[str, dict[str, str]] | None:
    reply = api.send("POST", f"/v1/webHooks/{webhook}/test", {})
    return reply.json if reply.status == 200 else None
