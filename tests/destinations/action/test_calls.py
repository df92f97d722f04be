"""Calls over a real way out: what leaves, to where alone, and what an answer says of the act."""

import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from uuid import UUID

import msgspec
import pytest

from tests.destinations.action.on_trial import target_of
from tests.destinations.http.exchanges import Exchange, HttpReceiver
from tests.destinations.http.token_server import CLIENT, SECRET, TokenServer
from tests.destinations.messages import HOPS, TestMessage, hook
from tests.egress.support import DEV, Names, at
from tidings.core.actions.action import (
    Action,
    Each,
    HttpCall,
    OperatorSecret,
    Plain,
    TemplatedText,
    TokenCall,
)
from tidings.core.actions.file.acts.http_calls import METHODS as DECLARED
from tidings.core.actions.rendered_act import Made, MadeCall, MadeRow, bytes_of
from tidings.core.actions.rendering import made_of
from tidings.core.connections.connection import Connections
from tidings.core.delivery.exchange import (
    AttemptResult,
    DeliveryVerdict,
    FaultKind,
    ReceiverAnswer,
    TransportFault,
)
from tidings.core.ids import OrgId
from tidings.core.inbox_rules import ArrivalAnswer
from tidings.core.shaping.filters.compiler import compile_filter
from tidings.core.webhooks.authentication import ApiKey, Basic, OAuth2ClientCredentials
from tidings.core.webhooks.masks import mask
from tidings.core.webhooks.webhook import Webhook
from tidings.core.webhooks.webhook_types import ACTION, EMAIL, KAFKA, SQL
from tidings.destinations.action.calls import METHODS
from tidings.destinations.action.driver import ActionDestination
from tidings.destinations.http.authentication.asking import asking_over
from tidings.destinations.http.authentication.schemes import Proofs
from tidings.destinations.port import Channel, Headers
from tidings.destinations.unreachable import Unreachable
from tidings.egress.inbox import InboxSender, OwnAddress
from tidings.egress.policy import Policy
from tidings.egress.sender import HttpSender

KEY = "secret-0123456789abcdef"
TAKEN = compile_filter({"path": "status", "eq": "success"})


class Calls:
    """Actions that call a receiver."""

    def __init__(self, receiver: HttpReceiver, sender: HttpSender) -> None:
        self.receiver = receiver
        self.actions: dict[str, Action] = {}
        self.proofs = Proofs(asking_over(sender, target_of), lambda: 0.0)
        drivers = dict.fromkeys((EMAIL, SQL, KAFKA), Unreachable())
        self.driver = ActionDestination(
            self.actions, drivers, Connections(), sender, target_of, self.proofs, lambda: 0.0
        )

    def call(self, method: str = "POST", **more: Any) -> HttpCall:
        """One with an id in its path."""
        return HttpCall(method, self.receiver.url("/v1/{id}"), {"id": "event.id"}, **more)

    def webhook(
        self, call: HttpCall, *, fields: dict[str, Any] | None = None, **more: Any
    ) -> Webhook:
        """Of an action that makes this call."""
        self.actions["invite"] = Action("invite", ("a",), {"": call}, **more)
        return hook("", kind=ACTION, name="invite", **(fields or {}))

    def open(self, call: HttpCall, *, fields: dict[str, Any] | None = None, **more: Any) -> Channel:
        return self.driver.open(self.webhook(call, fields=fields, **more), None)

    def made(
        self, path: str = "/v1/7", body: str = "", method: str = "POST", **more: Any
    ) -> MadeCall:
        return MadeCall(method, self.receiver.url(path), body=body, **more)

    async def sent(
        self, call: HttpCall, made: MadeCall | None = None, **more: Any
    ) -> AttemptResult:
        channel = self.open(call, **more)
        result = await channel.send(message(made or self.made()))
        await channel.close()
        assert isinstance(result, AttemptResult)
        return result


def message(made: Any, **more: Any) -> TestMessage:
    return TestMessage(bytes_of(Made(made)), **more)


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with HttpReceiver() as http:
        yield http


@pytest.fixture
async def calls(receiver: HttpReceiver) -> AsyncIterator[Calls]:
    sender = HttpSender(DEV, Names(at("127.0.0.1")))
    made = Calls(receiver, sender)
    yield made
    await made.proofs.close()
    await sender.close()


def says(status: int, body: bytes = b"", **headers: str) -> Callable[[Exchange], None]:
    def answer(exchange: Exchange) -> None:
        exchange.status = status
        exchange.more = headers
        exchange.says(body)

    return answer


def detail_of(result: AttemptResult) -> str:
    return result.ending.detail


# -- what leaves ----------------------------------------------------------------------------------


def test_each_method_of_a_file_is_called() -> None:
    assert {*METHODS} == {*DECLARED}


@pytest.mark.parametrize("method", DECLARED)
async def test_a_call_has_its_own_headers_and_none_of_ours_but_the_hops(
    calls: Calls, method: str
) -> None:
    call = calls.call(
        method=method,
        headers=(("X-Brand", Plain("acme")), ("X-Name", TemplatedText("…"))),
        credential=ApiKey("X-Api-Key", KEY),
        idempotency="Idempotency-Key",
    )
    headers = (("content-type", "application/json"), ("X-Name", "Asha"))
    await calls.sent(call, calls.made(method=method, body='{"name":"Zoë"}', headers=headers))
    [came] = calls.receiver.seen
    assert (came.method, came.path) == (method, "/v1/7")
    assert came.body == '{"name":"Zoë"}'.encode()
    assert {*came.headers} == {
        "host", "accept", "accept-encoding", "user-agent", "content-length", "content-type",
        "x-brand", "x-name", "x-api-key", "idempotency-key", "tidings-hops",
    }  # fmt: skip
    assert came.headers["tidings-hops"] == HOPS
    assert UUID(came.headers["idempotency-key"]) and came.headers["x-api-key"] == KEY
    assert came.headers["content-length"] == str(len(came.body))


class Other(TestMessage):
    """A message with another id, another org, or that is a test."""

    def __init__(self, body: bytes, **what: Any) -> None:
        super().__init__(body, trial=what.get("trial", False))
        self.id = what.get("id", self.id)
        self.org = what.get("org", self.org)
        self._dated = what.get("dated", "1")

    def headers_if_current(self, carried: Headers) -> Headers | None:
        marks = [("tidings-test", "true")] if self.trial else []
        return [*carried, ("webhook-id", self.id), ("webhook-timestamp", self._dated), *marks]


async def test_a_key_is_of_one_act_for_one_event_whatever_becomes_of_the_file(calls: Calls) -> None:
    """The same for all that repeats the act, another one for all that is another act."""

    async def key(name: str = "invite", call: HttpCall | None = None, **what: Any) -> str:
        act = call or calls.call(idempotency="Idempotency-Key")
        calls.actions[name] = Action(name, ("a",), {"": act})
        webhook = hook("", kind=ACTION, name=name, org=what.pop("org", OrgId(1)))
        channel = calls.driver.open(webhook, None)
        await channel.send(Other(bytes_of(Made(calls.made(body="{}"))), org=webhook.org, **what))
        await channel.close()
        left: list[tuple[str, str]] = [("webhook-id", what.get("id", "msg_1"))]
        left += [("webhook-timestamp", what.get("dated", "1"))]
        left += [("tidings-test", "true")] if what.get("trial") else []
        shown = dict(calls.driver.show(webhook, left, bytes_of(Made(calls.made())), None).headers)
        found = calls.receiver.seen[-1].headers["idempotency-key"]
        assert shown["Idempotency-Key"] == found  # what is shown is what was sent
        return found

    one = await key()
    changed = calls.call(idempotency="Idempotency-Key", json=Plain({}), content_type="a/b")
    assert {await key(), await key(dated="9"), await key(call=changed)} == {one}
    others = [
        await key(name="remind"),
        await key(name="invite-1"),
        await key(id="msg_2"),
        await key(id="msg_1~rpl_1"),
        await key(org=OrgId(2)),
        await key(trial=True),
        await key(trial=True, dated="2"),
    ]
    assert len({one, *others}) == 8 and all(str(UUID(each)) == each for each in (one, *others))


async def test_of_two_headers_of_a_name_one_is_sent(calls: Calls) -> None:
    constants = (("x-api-key", Plain("old")), ("Accept", Plain("text/xml")))
    call = calls.call(headers=constants, credential=ApiKey("X-Api-Key", KEY))
    await calls.sent(call)
    [came] = calls.receiver.seen
    assert came.headers["x-api-key"] == KEY and came.headers["accept"] == "text/xml"


async def test_messages_have_paths_of_their_own_over_the_same_connection(calls: Calls) -> None:
    channel = calls.open(calls.call(), fields={"connections_max": 1})
    for id in ("1", "a%2Fb", "2?x=%26"):
        result = await channel.send(message(calls.made(f"/v1/{id}")))
        assert isinstance(result, AttemptResult) and result.verdict is DeliveryVerdict.DELIVERED
    await channel.close()
    assert [exchange.path for exchange in calls.receiver.seen] == [
        "/v1/1",
        "/v1/a%2Fb",
        "/v1/2?x=%26",
    ]
    assert calls.receiver.connections == 1


@pytest.mark.parametrize(
    "path",
    ["/v1/../admin", "/v1/%2e%2e/x", "/v1/a b", "/v1/a\r\nX-Admin: 1", "/v1/a#b", "/v1/a\\b", "/ë"],
)
async def test_no_made_url_is_a_way_around(calls: Calls, path: str) -> None:
    result = await calls.sent(calls.call(), calls.made(path))
    assert isinstance(result.ending, TransportFault) and not result.ending.sent
    assert result.verdict is DeliveryVerdict.NEVER and calls.receiver.seen == []


async def test_nothing_goes_to_another_host_than_the_actions(calls: Calls) -> None:
    with HttpReceiver() as other:
        call = calls.call(credential=ApiKey("X-Api-Key", KEY))
        for url in (other.url("/v1/7"), calls.receiver.url("/v1/7").replace("127.0.0.1", "b.test")):
            result = await calls.sent(call, MadeCall("POST", url))
            assert result.verdict is DeliveryVerdict.NEVER and "host" in detail_of(result)
        assert other.seen == calls.receiver.seen == []


@pytest.mark.parametrize("header", ["a\r\nX-Admin: 1", "a\0b"])
async def test_no_header_ends_early(calls: Calls, header: str) -> None:
    result = await calls.sent(calls.call(), calls.made(headers=(("X-Name", header),)))
    assert isinstance(result.ending, TransportFault) and not result.ending.sent
    assert calls.receiver.seen == []


@pytest.mark.parametrize(
    "body", [b"{}", b"", bytes_of(Made(MadeRow({"a": 1}))), b'{"act":{"type":"call"}}', b"[" * 9999]
)
async def test_what_is_no_call_is_not_sent(calls: Calls, body: bytes) -> None:
    channel = calls.open(calls.call())
    tried = TestMessage(body)
    result = await channel.send(tried)
    assert (
        isinstance(result, AttemptResult)
        and result.verdict is DeliveryVerdict.NEVER
        and tried.asked == 0
    )
    assert isinstance(result.ending, TransportFault) and result.ending.kind is FaultKind.TRANSFORM


async def test_a_private_address_is_not_called(receiver: HttpReceiver) -> None:
    sender = HttpSender(Policy(), Names(at("127.0.0.1")))
    calls = Calls(receiver, sender)
    result = await calls.sent(calls.call())
    await sender.close()
    assert isinstance(result.ending, TransportFault) and result.ending.kind is FaultKind.POLICY
    assert receiver.seen == []


# -- who we are -----------------------------------------------------------------------------------


async def test_basic_is_sent_and_kept_out_of_what_comes_back(calls: Calls) -> None:
    basic = Basic("acme", KEY)

    def echo(exchange: Exchange) -> None:
        exchange.status = 400
        exchange.says(f"{exchange.headers} {KEY}".encode())

    calls.receiver.answer = echo
    result = await calls.sent(calls.call(credential=basic))
    assert calls.receiver.seen[0].headers["authorization"] == basic.value
    assert isinstance(result.ending, ReceiverAnswer) and result.ending.body
    assert KEY not in repr(result) and basic.value not in repr(result)


async def test_a_token_is_fetched_once_for_all_and_another_after_a_401(calls: Calls) -> None:
    with TokenServer() as tokens:
        call = calls.call(credential=OAuth2ClientCredentials(tokens.url, CLIENT, SECRET))
        for _ in range(2):
            assert (await calls.sent(call)).verdict is DeliveryVerdict.DELIVERED
        assert tokens.questions == 1

        def first_not(exchange: Exchange) -> None:
            exchange.status = 401 if "token-1-" in exchange.headers["authorization"] else 200

        calls.receiver.answer = first_not
        assert (await calls.sent(call)).verdict is DeliveryVerdict.DELIVERED
        assert tokens.questions == 2 and len(calls.receiver.seen) == 4


@pytest.mark.parametrize("is_posted", [False, True])
async def test_a_token_that_comes_back_is_not_kept(calls: Calls, is_posted: bool) -> None:
    def echo(exchange: Exchange) -> None:
        exchange.status = 400
        exchange.says(f"{exchange.headers}".encode())
        exchange.more["x-echo"] = f"{exchange.headers}"

    calls.receiver.answer = echo
    with HttpReceiver(says(200, b'{"access_token": "token-0123456789"}')) as tokens:
        oauth = OAuth2ClientCredentials(tokens.url("/t"), CLIENT, SECRET)
        posted = TokenCall(tokens.url("/t"), {"key": KEY}, "access_token", "X-CAP-TOKEN")
        result = await calls.sent(calls.call(credential=posted if is_posted else oauth))
    assert "token-0123456789" in str(calls.receiver.seen[0].headers)
    assert isinstance(result.ending, ReceiverAnswer) and result.ending.body
    assert "x-echo" in dict(result.ending.headers) and "token-0123456789" not in repr(result)


async def test_a_token_that_is_posted_for_goes_in_its_own_header(calls: Calls) -> None:
    with HttpReceiver(says(200, b'{"data": {"accessToken": "cap-0123456789"}}')) as tokens:
        posted = TokenCall(tokens.url("/t"), {"key": KEY}, "data.accessToken", "X-CAP-TOKEN")
        assert (
            await calls.sent(calls.call(credential=posted))
        ).verdict is DeliveryVerdict.DELIVERED
        assert json.loads(tokens.seen[0].body) == {"key": KEY}
    assert calls.receiver.seen[0].headers["x-cap-token"] == "cap-0123456789"


async def test_a_credential_that_is_not_to_be_had_is_told_and_nothing_is_sent(
    calls: Calls,
) -> None:
    with TokenServer() as tokens:
        tokens.does = says(401, b'{"error":"invalid_client"}')
        call = calls.call(credential=OAuth2ClientCredentials(tokens.url, CLIENT, SECRET))
        result = await calls.sent(call)
    assert isinstance(result.ending, TransportFault) and result.ending.kind is FaultKind.TOKEN
    assert result.ending.detail.endswith(".") and SECRET not in repr(result)
    assert result.verdict is DeliveryVerdict.AGAIN and calls.receiver.seen == []


# -- what the answer says -------------------------------------------------------------------------


async def test_a_redirect_is_not_followed(calls: Calls) -> None:
    with HttpReceiver() as other:
        calls.receiver.answer = says(307, location=other.url("/"))
        result = await calls.sent(calls.call(credential=ApiKey("X-Api-Key", KEY)))
        assert result.verdict is DeliveryVerdict.AGAIN and other.seen == []


@pytest.mark.parametrize(
    ("status", "again", "never", "verdict"),
    [
        (409, (), (), DeliveryVerdict.AGAIN),
        (425, (), (), DeliveryVerdict.AGAIN),
        (422, (), (), DeliveryVerdict.NEVER),
        (422, (422,), (), DeliveryVerdict.AGAIN),
        (409, (), (409,), DeliveryVerdict.NEVER),
        (503, (), (503,), DeliveryVerdict.NEVER),
    ],
)
async def test_statuses_are_judged_as_the_action_says(
    calls: Calls,
    status: int,
    again: tuple[int, ...],
    never: tuple[int, ...],
    verdict: DeliveryVerdict,
) -> None:
    calls.receiver.answer = says(status)
    result = await calls.sent(calls.call(), again=frozenset(again), never=frozenset(never))
    assert result.verdict is verdict


async def test_what_one_url_leads_to_may_be_gone_and_the_action_is_not(calls: Calls) -> None:
    calls.receiver.answer = says(410)
    assert (await calls.sent(calls.call())).verdict is DeliveryVerdict.NEVER
    fixed = HttpCall("POST", calls.receiver.url("/v1/7"), {})
    assert (await calls.sent(fixed)).verdict is DeliveryVerdict.GONE


NOT_TAKEN = [
    b'{"status": "error", "customer": "Asha"}', b"", b"<html>", b"[]", b'"success"', b"{" * 9999,
    b'{"status": "success", "more": "' + b"x" * 20_000 + b'"}', b"\xff",
]  # fmt: skip


@pytest.mark.parametrize("body", NOT_TAKEN, ids=range(len(NOT_TAKEN)))
@pytest.mark.parametrize("untaken", ["never", "again"])
async def test_an_answer_that_does_not_say_so_has_not_taken_it(
    calls: Calls, body: bytes, untaken: Any
) -> None:
    calls.receiver.answer = says(200, body)
    result = await calls.sent(calls.call(taken=TAKEN, untaken=untaken))
    assert result.verdict is (
        DeliveryVerdict.NEVER if untaken == "never" else DeliveryVerdict.AGAIN
    )
    whole = len(body) <= 16 * 1024
    assert detail_of(result).startswith(
        "The receiver answered 200, but its answer does not say that it was taken (by status)."
        if whole
        else "The receiver answered 200, but its answer is not known to say that it was taken: it "
        "has more than 16 KiB, or did not come to its end."
    )
    assert isinstance(result.ending, ReceiverAnswer) and result.ending.body == body[: 16 * 1024]
    assert "Asha" not in detail_of(result)


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        (b"", DeliveryVerdict.DELIVERED),
        (b" \r\n", DeliveryVerdict.DELIVERED),
        (b"{}", DeliveryVerdict.DELIVERED),
        (b'\xef\xbb\xbf{"status": "success"}', DeliveryVerdict.DELIVERED),
        (b'{"limit": 1e999}', DeliveryVerdict.DELIVERED),
        (b'{"errors": ["no credit"]}', DeliveryVerdict.NEVER),
        (b'{"errors": ["no credit"], "left": 1e999}', DeliveryVerdict.NEVER),
        (b"<html>Sign in</html>", DeliveryVerdict.NEVER),
        (b"[]", DeliveryVerdict.NEVER),
        (b'{"a": "' + b"x" * 20_000 + b'", "errors": ["no credit"]}', DeliveryVerdict.NEVER),
        (b'{"a": ' + b"[" * 8000 + b"]" * 8000 + b"}", DeliveryVerdict.NEVER),
        (b'{"a": NaN}', DeliveryVerdict.NEVER),
        (b'{"a": "\xff"}', DeliveryVerdict.NEVER),
    ],
    ids=range(13),
)
async def test_what_nobody_can_read_is_not_taken_for_an_answer_without_an_error(
    calls: Calls, body: bytes, verdict: DeliveryVerdict
) -> None:
    calls.receiver.answer = says(200, body)
    no_errors = compile_filter({"not": {"path": "errors", "exists": True}})
    assert (await calls.sent(calls.call(taken=no_errors))).verdict is verdict


@pytest.mark.parametrize("keeps", [True, False])
async def test_an_answer_that_says_so_has_taken_it_and_is_kept_if_asked_for(
    calls: Calls, keeps: bool
) -> None:
    calls.receiver.answer = says(200, b'{"status": "success"}')
    call = calls.call(taken=TAKEN)
    result = await calls.sent(call, fields={"keep_answers": keeps})
    assert result.verdict is DeliveryVerdict.DELIVERED and isinstance(result.ending, ReceiverAnswer)
    assert bool(result.ending.body) is keeps


async def test_an_answer_is_judged_as_it_came_and_kept_without_secrets(calls: Calls) -> None:
    calls.receiver.answer = says(200, json.dumps({"status": "error", "key": KEY}).encode())
    taken = compile_filter({"path": "key", "eq": KEY})
    call = calls.call(headers=(("X-Key", Plain(KEY)),), taken=taken)
    result = await calls.sent(call, fields={"keep_answers": True})
    assert result.verdict is DeliveryVerdict.DELIVERED and KEY not in repr(result)
    result = await calls.sent(calls.call(headers=(("X-Key", Plain(KEY)),), taken=TAKEN))
    assert result.verdict is DeliveryVerdict.NEVER and KEY not in repr(result)
    assert isinstance(result.ending, ReceiverAnswer) and b"error" in result.ending.body


async def test_an_untaken_call_waits_as_long_as_its_answer_asks(calls: Calls) -> None:
    more = {"retry-after": "17"}
    calls.receiver.answer = says(200, b'{"status": "queued"}', **more)
    result = await calls.sent(calls.call(taken=TAKEN, untaken="again"))
    assert result.verdict is DeliveryVerdict.AGAIN and result.wait_s == 17


# -- how it is opened, followed, shown ------------------------------------------------------------


async def test_an_action_that_is_not_in_the_file_is_told(calls: Calls) -> None:
    channel = calls.driver.open(hook("", kind=ACTION, name="gone"), None)
    tried = message(calls.made())
    result = await channel.send(tried)
    assert (
        isinstance(result, AttemptResult)
        and result.verdict is DeliveryVerdict.AGAIN
        and tried.asked == 0
    )
    assert isinstance(result.ending, TransportFault) and result.ending.kind is FaultKind.OURS
    assert "The action gone must be in the operator's file" in result.ending.detail
    assert not channel.follow(hook("", kind=ACTION, name="other"))


async def test_a_url_that_may_not_be_called_is_told(calls: Calls) -> None:
    channel = calls.open(HttpCall("POST", "ftp://h.example/{id}", {"id": "event.id"}))
    result = await channel.send(message(calls.made()))
    assert isinstance(result, AttemptResult) and "https://" in detail_of(result)


async def test_a_dead_receiver_is_told(calls: Calls) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/"
        result = await calls.sent(HttpCall("POST", url, {}), MadeCall("POST", url))
    assert isinstance(result.ending, TransportFault) and result.ending.kind is FaultKind.REFUSED


async def test_another_version_is_followed_and_another_action_is_not(calls: Calls) -> None:
    calls.receiver.answer = says(503)
    webhook = calls.webhook(calls.call())
    channel = calls.driver.open(webhook, None)
    retry = msgspec.structs.replace(webhook.retry, fail_also=frozenset({503}))
    assert channel.follow(msgspec.structs.replace(webhook, version=2, retry=retry))
    result = await channel.send(message(calls.made()))
    assert isinstance(result, AttemptResult) and result.verdict is DeliveryVerdict.NEVER
    assert not channel.follow(msgspec.structs.replace(webhook, name="other"))
    assert not channel.follow(msgspec.structs.replace(webhook, connections_max=2))
    await channel.close()


@pytest.mark.parametrize(
    ("credential", "shown"),
    [
        (ApiKey("X-Api-Key", KEY), ("X-Api-Key", "…cdef")),
        (Basic("acme", KEY), ("Authorization", "…")),
        (OAuth2ClientCredentials("https://a.b", CLIENT, SECRET), ("Authorization", "…")),
        (TokenCall("https://a.b", {}, "t", "X-T", prefix="Bearer "), ("X-T", "Bearer …")),
    ],
)
def test_a_call_is_shown_as_it_went_without_its_secrets(
    calls: Calls, credential: Any, shown: tuple[str, str]
) -> None:
    call = calls.call(
        headers=(("X-Key", Plain(KEY)),), credential=credential, idempotency="Idempotency-Key"
    )
    webhook = calls.webhook(call)
    made = Made(calls.made(body="{}", headers=(("content-type", "application/json"),)))
    left = [("webhook-id", "msg_1"), ("webhook-signature", "v1,abc")]
    found = calls.driver.show(webhook, left, bytes_of(made), None)
    assert found.method == "POST" and found.body == b"{}" and found.url.endswith("/v1/7")
    headers = dict(found.headers)
    assert UUID(headers["Idempotency-Key"]) and headers["X-Key"] == "…cdef"
    assert shown in found.headers and "webhook-signature" not in headers
    assert KEY not in repr(found) and KEY not in repr(calls.driver.carried(webhook))
    assert ("X-Key", "…cdef") in calls.driver.carried(webhook)


def test_what_cannot_be_read_is_shown_as_it_is(calls: Calls) -> None:
    webhook = calls.webhook(calls.call())
    assert calls.driver.show(webhook, [], b"", None).body == b""
    assert calls.driver.show(hook("", kind=ACTION, name="gone"), [], b"x", None).body == b"x"
    assert calls.driver.carried(hook("", kind=ACTION, name="gone")) == []


async def test_a_secret_of_the_body_is_sent_and_neither_shown_nor_kept_of_an_answer(
    calls: Calls,
) -> None:
    def echo(exchange: Exchange) -> None:
        exchange.status = 400
        exchange.says(exchange.body)

    calls.receiver.answer = echo
    strange = 'key "with" & signs'
    call = calls.call(
        form=(
            ("authkey", OperatorSecret(KEY)),
            ("to", Plain("+91")),
            ("other", OperatorSecret(strange)),
        )
    )
    made = made_of(call, [], {"event": {"id": 7}})
    result = await calls.sent(call, made)  # type: ignore[arg-type]
    assert calls.receiver.seen[0].body == (
        f"authkey={KEY}&to=%2B91&other=key+%22with%22+%26+signs".encode()
    )
    assert isinstance(result.ending, ReceiverAnswer) and b"to=%2B91" in result.ending.body
    shown = calls.driver.show(calls.webhook(call), [], bytes_of(Made(made)), None)
    assert shown.body == "authkey=…cdef&to=%2B91&other=…igns".encode()
    assert "with" not in repr(result)
    assert KEY not in repr(result) and KEY.encode() not in bytes_of(Made(made))


@pytest.mark.parametrize(
    "write", [json.dumps, lambda one: json.dumps(one).replace("/", "\\/"), str]
)
async def test_no_secret_is_kept_of_an_answer_however_it_is_written_there(
    calls: Calls, write: Callable[[str], str]
) -> None:
    """What signs it has, and where it was sent: in the body, as a password, in the URL."""
    strange, password = "Zoë's/key+with==signs", "pässword/0123456789"
    calls.receiver.answer = says(
        400, f"{write(strange)} {write(password)} {write(password)}".encode()
    )
    call = calls.call(
        json=Each({"key": OperatorSecret(strange)}), credential=Basic("acme", password)
    )
    made = made_of(call, [], {"event": {"id": 7}})
    result = await calls.sent(call, made)  # type: ignore[arg-type]
    assert json.loads(calls.receiver.seen[0].body) == {"key": strange}
    assert isinstance(result.ending, ReceiverAnswer)
    kept = result.ending.body.decode()
    assert "key" not in kept and "ssword" not in kept and kept.count("…") == 3


@pytest.mark.parametrize("left", [4, 8, len(KEY) - 1])
async def test_of_an_answer_that_is_too_long_no_begin_of_a_secret_is_kept(
    calls: Calls, left: int
) -> None:
    calls.receiver.answer = says(400, b"x" * (16 * 1024 - left) + KEY.encode() + b"x" * 1000)
    result = await calls.sent(calls.call(credential=ApiKey("X-Api-Key", KEY)))
    assert isinstance(result.ending, ReceiverAnswer) and result.ending.truncated
    kept = result.ending.body.decode()
    assert KEY[:4] not in kept and kept.rstrip("x").rpartition("x")[2] == mask(KEY)


async def test_a_call_may_be_tried_on_a_test_inbox() -> None:
    got: list[Any] = []

    def receive(token: str, method: str, headers: Any, body: bytes) -> ArrivalAnswer:
        got.append((token, method, dict(headers)["content-type"], body))
        return ArrivalAnswer(200, (), b'{"status": "success"}')

    own = OwnAddress("https://tidings.example")
    sender = HttpSender(Policy(), Names(at("127.0.0.1")))
    url = own.url("a" * 24)
    call = HttpCall("POST", url, {}, taken=TAKEN)
    driver = ActionDestination(
        {"invite": Action("invite", ("a",), {"": call})},
        dict.fromkeys((EMAIL, SQL, KAFKA), Unreachable()),
        Connections(),
        InboxSender(sender, receive),
        lambda url: own.target(url) or target_of(url),
        Proofs(asking_over(sender, target_of), lambda: 0.0),
        lambda: 0.0,
    )
    channel = driver.open(hook("", kind=ACTION, name="invite"), None)
    made = MadeCall("POST", url, (("content-type", "text/plain"),), "hello")
    result = await channel.send(message(made))
    await sender.close()
    assert isinstance(result, AttemptResult) and result.verdict is DeliveryVerdict.DELIVERED
    assert got == [("a" * 24, "POST", "text/plain", b"hello")]


async def test_a_webhook_of_another_org_does_nothing_though_it_has_the_name() -> None:
    sender = HttpSender(Policy(), Names(at("127.0.0.1")))
    call = HttpCall("POST", "https://api.brand.example/invite", {}, credential=Basic("brand", KEY))
    driver = ActionDestination(
        {"invite": Action("invite", ("a",), {"": call})},
        dict.fromkeys((EMAIL, SQL, KAFKA), Unreachable()),
        Connections(),
        sender,
        target_of,
        Proofs(asking_over(sender, target_of), lambda: 0.0),
        lambda: 0.0,
        OrgId(2),
    )
    made = MadeCall("POST", call.url, (("content-type", "text/plain"),), "hello")
    theirs = hook("", kind=ACTION, name="invite")
    result = await driver.open(theirs, None).send(message(made))
    assert result is not None and "must be in the operator's file" in repr(result)
    assert "authorization" in repr(driver.carried(hook("", name="invite", org=OrgId(2)))).lower()
    assert driver.carried(theirs) == []
    await sender.close()


# -- at most once ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, DeliveryVerdict.DELIVERED), (429, DeliveryVerdict.AGAIN), (401,
        DeliveryVerdict.AGAIN), (404, DeliveryVerdict.AGAIN),
        (500, DeliveryVerdict.NEVER), (502, DeliveryVerdict.NEVER), (503, DeliveryVerdict.NEVER),
        (504, DeliveryVerdict.NEVER),
        (408, DeliveryVerdict.NEVER), (409, DeliveryVerdict.NEVER), (302, DeliveryVerdict.NEVER),
        (400, DeliveryVerdict.NEVER),
    ],
)  # fmt: skip
async def test_what_may_have_been_done_is_not_tried_again_where_the_file_says_so(
    calls: Calls, status: int, verdict: DeliveryVerdict
) -> None:
    calls.receiver.answer = says(status)
    once = await calls.sent(calls.call(at_most_once=True))
    assert once.verdict is verdict
    usual = await calls.sent(calls.call())
    assert usual.verdict in (verdict, DeliveryVerdict.AGAIN)
    doubted = verdict is DeliveryVerdict.NEVER and usual.verdict is DeliveryVerdict.AGAIN
    assert detail_of(once).endswith("if not, replay the event.") is doubted


async def test_a_status_that_the_action_names_is_tried_again_all_the_same(calls: Calls) -> None:
    calls.receiver.answer = says(503)
    once = await calls.sent(calls.call(at_most_once=True), again=frozenset({503}))
    assert once.verdict is DeliveryVerdict.AGAIN


async def test_a_call_that_was_cut_off_may_be_done_and_one_that_never_left_is_not(
    calls: Calls,
) -> None:
    calls.receiver.answer = says(0)  # the line ends without an answer
    once = await calls.sent(calls.call(at_most_once=True))
    assert once.verdict is DeliveryVerdict.NEVER and "It may have been done" in detail_of(once)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
    call = HttpCall("POST", f"http://127.0.0.1:{port}/", {}, at_most_once=True)
    made = MadeCall("POST", f"http://127.0.0.1:{port}/")
    assert (await calls.sent(call, made)).verdict is DeliveryVerdict.AGAIN
