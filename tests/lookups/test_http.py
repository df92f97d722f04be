"""Look-ups by HTTP: what answers mean, who we are, and servers that misbehave."""

import asyncio
import gzip
import json
import tracemalloc
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.destinations.http.exchanges import Exchange, HttpReceiver
from tests.egress.receivers import Receiver, read_request
from tests.egress.support import DEV, Names, at
from tests.loops.own_time import own_time
from tidings.core.actions.action import ActionLookup, Credential, HttpLookup, TokenCall
from tidings.core.exact_json import write_exactly
from tidings.core.webhooks.authentication import ApiKey, Basic, OAuth2ClientCredentials
from tidings.destinations.http.authentication.asking import asking_over
from tidings.destinations.http.authentication.schemes import Proofs
from tidings.egress import wire
from tidings.egress.address import parse_target
from tidings.egress.policy import Policy
from tidings.egress.port import ReceiverAddress
from tidings.egress.sender import HttpSender
from tidings.engine.actions.lookups import ActionLookups
from tidings.errors import Unusable
from tidings.lookups.factory import LookupFactory
from tidings.lookups.http import HttpSource
from tidings.lookups.port import LookupBackend, LookupDown, LookupRefused

SECRET = "top-secret-0123456789"


def target_of(url: str) -> ReceiverAddress:
    return parse_target(url, allow_http=True)


class Api:
    """A server, and look-ups that ask it."""

    def __init__(self, http: HttpReceiver, policy: Policy = DEV) -> None:
        self.http = http
        self.sender = HttpSender(policy, Names(at("127.0.0.1")))
        proofs = Proofs(asking_over(self.sender, target_of), lambda: 0.0)
        self.factory = LookupFactory(self.sender, target_of, {}, proofs, lambda: 0.0)

    def source(self, path: str = "/customers/{id}", **more: Any) -> LookupBackend:
        where = HttpLookup(self.http.url(path), {"id": "event.id"}, **more)
        return self.factory.source_of(ActionLookup("tier", where))

    def says(self, body: bytes = b"{}", status: int = 200, **headers: str) -> None:
        def answer(exchange: Exchange) -> None:
            exchange.status = status
            exchange.more = {name.replace("_", "-"): value for name, value in headers.items()}
            exchange.says(body)

        self.http.answer = answer

    @property
    def paths(self) -> list[str]:
        return [exchange.path for exchange in self.http.seen]


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    with HttpReceiver() as http:
        made = Api(http)
        yield made
        await made.sender.close()


async def found(source: LookupBackend, id: str = "42", deadline_s: float = 30.0) -> Any:
    try:
        return await source.find({"id": id}, deadline_s)
    finally:
        await source.close()


async def test_it_asks_by_get_with_its_headers(api: Api) -> None:
    api.says(b'{"tier": "gold"}')
    source = api.source("/c/{id}/tier?brand=x", headers=(("X-Brand", "acme"),))
    assert await found(source, "4 2") == {"tier": "gold"}
    [seen] = api.http.seen
    assert (seen.method, seen.path, seen.body) == ("GET", "/c/4%202/tier?brand=x", b"")
    assert seen.headers["x-brand"] == "acme" and seen.headers["accept"] == "application/json"
    assert seen.headers["accept-encoding"] == "identity"


async def test_a_url_with_a_query_alone_asks_the_root(api: Api) -> None:
    assert await found(api.source("/?id={id}")) == {}
    where = HttpLookup(api.http.url("").rstrip("/") + "?id={id}", {"id": "event.id"})
    assert await found(api.factory.source_of(ActionLookup("tier", where))) == {}
    assert api.paths == ["/?id=42", "/?id=42"]


@pytest.fixture(autouse=True)
def answers_objects(api: Api) -> None:
    api.says()


@pytest.mark.parametrize(
    ("take", "record"),
    [
        ("programTiers[0]", {"name": "gold"}),
        ("programTiers[1]", None),
        ("programTiers[0].nothing", None),
        ("none", None),
        ("deep.er", {"x": 1}),
    ],
)
async def test_a_record_stands_where_take_says(api: Api, take: str, record: object) -> None:
    api.says(b'{"programTiers": [{"name": "gold"}], "none": null, "deep": {"er": {"x": 1}}}')
    assert await found(api.source(take=take)) == record


@pytest.mark.parametrize("take", ["programTiers", "name", "programTiers[0].points"])
async def test_what_take_leads_to_must_be_an_object(api: Api, take: str) -> None:
    api.says(b'{"programTiers": [{"points": 5}], "name": "Asha"}')
    with pytest.raises(LookupDown, match="Correct take") as down:
        await found(api.source(take=take))
    assert "Asha" not in down.value.reason


async def test_numbers_keep_their_digits(api: Api) -> None:
    api.says(b'{"points": 10.50, "big": 12345678901234567890123, "e": 1e3}')
    written = write_exactly(await found(api.source()))
    assert written == b'{"points":10.50,"big":12345678901234567890123,"e":1e3}'


@pytest.mark.parametrize("status", [204, 404, 410])
async def test_none_is_no_record(api: Api, status: int) -> None:
    api.says(b"" if status == 204 else b"not here", status)
    assert await found(api.source()) is None


@pytest.mark.parametrize("status", [400, 414, 422, 431])
async def test_what_is_wrong_with_the_question_is_refused(api: Api, status: int) -> None:
    api.says(SECRET.encode(), status)
    with pytest.raises(LookupRefused, match=str(status)) as refused:
        await found(api.source())
    assert SECRET not in refused.value.reason and refused.value.reason.endswith(".")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (201, "200, or 404"), (202, "200, or 404"), (301, "final address"), (302, "final address"),
        (401, "Check the credential"), (403, "Check the credential"), (405, "405"), (409, "409"),
        (429, "429"), (500, "500"), (502, "502"), (503, "503"), (505, "505"),
    ],
)  # fmt: skip
async def test_everything_else_is_asked_again_later(api: Api, status: int, words: str) -> None:
    api.says(SECRET.encode(), status, location="/elsewhere")
    with pytest.raises(LookupDown, match=words) as down:
        await found(api.source())
    assert SECRET not in down.value.reason and down.value.wait_s is None
    assert api.paths == ["/customers/42"], "no redirect is followed"


@pytest.mark.parametrize(
    ("status", "said", "wait_s"),
    [
        (429, "7", 7.0),
        (503, "120", 120.0),
        (503, "Thu, 01 Jan 1970 00:01:00 GMT", 60.0),
        (429, "soon", None),
        (429, "-1", None),
    ],
)
async def test_whoever_asks_to_wait_is_left_alone_for_so_long(
    api: Api, status: int, said: str, wait_s: float | None
) -> None:
    api.says(b"", status, retry_after=said)
    with pytest.raises(LookupDown) as down:
        await found(api.source())
    assert down.value.wait_s == wait_s


HOSTILE = {
    "html": b"<html>" + SECRET.encode(),
    "list": b'[{"a": 1}]',
    "text": b'"' + SECRET.encode() + b'"',
    "null": b"null",
    "empty": b"",
    "nan": b'{"a": NaN}',
    "infinity": b'{"a": Infinity}',
    "not utf-8": b'{"a": "\xff"}',
    "half a sign": b'{"a": "\\ud800"}',
    "utf-16": '{"a": 1}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"a": 1}',
    "more behind": b'{"a": 1} {"b": 2}',
    "huge number": b'{"a": ' + b"9" * 10_000 + b"}",
    "gzip": gzip.compress(b'{"a": "' + b"a" * 1_000_000 + b'"}'),
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
async def test_what_is_no_object_in_json_is_told_and_not_repeated(api: Api, body: bytes) -> None:
    api.says(body, content_encoding="gzip", content_type="application/json")
    with pytest.raises(LookupDown, match="JSON") as down:
        await found(api.source())
    assert SECRET not in down.value.reason
    api.says(b'{"a": 1}')
    assert await found(api.source()) == {"a": 1}


async def test_of_a_name_that_stands_there_twice_the_last_counts(api: Api) -> None:
    api.says(b'{"a": 1, "a": 2}')
    assert await found(api.source()) == {"a": 2}


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":' * 33 + b"1" + b"}" * 33,
        b'{"a":' + b"[" * 1000 + b"]" * 1000 + b"}",
        b'{"a": "' + b"x" * 17_000 + b'"}',
        b'{"a": "' + b"x" * 50_000_000 + b'"}',
    ],
    ids=["deep", "deeper", "large", "huge"],
)
async def test_what_is_too_much_is_refused_since_it_would_be_so_again(
    api: Api, body: bytes
) -> None:
    api.says(body)
    with pytest.raises(LookupRefused, match="Ask for less"):
        await found(api.source())


async def test_a_record_of_16_kib_and_32_levels_is_taken(api: Api) -> None:
    for body in (b'{"a": "' + b"x" * (16 * 1024 - 9) + b'"}', b'{"a":' * 32 + b"1" + b"}" * 32):
        api.says(body)
        assert write_exactly(await found(api.source())) == body.replace(b" ", b"")


def sized(bytes_: int) -> bytes:
    """A record of this size."""
    return b'{"a": "' + b"x" * (bytes_ - 9) + b'"}'


@pytest.mark.parametrize("kib", [1, 17, 65, 256])
async def test_an_answer_may_be_as_large_as_the_look_up_says_and_not_larger(
    api: Api, kib: int
) -> None:
    api.says(sized(kib << 10))
    source = api.source(answer_kib=kib)
    assert len((await found(source) or {})["a"]) == (kib << 10) - 9
    api.says(sized((kib << 10) + 1))
    with pytest.raises(LookupRefused, match=f"at most {kib} KiB; got more. .* raise answer_kib"):
        await found(source)
    api.says(sized(kib << 10))
    assert await found(source), "and the server is asked again"


async def test_an_answer_without_an_end_is_read_no_further_than_it_may_be_long(api: Api) -> None:
    gave = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal gave
        await read_request(reader)
        writer.write(b'HTTP/1.1 200 OK\r\n\r\n{"a": "')
        while gave < 100 << 20:
            writer.write(b"x" * (64 << 10))
            gave += 64 << 10
            await writer.drain()

    with Receiver(serve) as receiver:
        where = HttpLookup(receiver.url("/{id}"), {"id": "event.id"}, answer_kib=256)
        with pytest.raises(LookupRefused, match="at most 256 KiB"):
            await found(api.factory.source_of(ActionLookup("tier", where)))
    assert gave < 16 << 20, "what lies in sockets besides is theirs"


@pytest.mark.timeout(300)  # and so is all this: what is promised here is no time
async def test_what_large_answers_under_way_take_of_memory_is_bounded(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answers that take most to read, of a look-up that is asked without a pause."""
    monkeypatch.setattr(wire, "READ_S", 200.0)  # whoever traces memory is slow
    hostile = b'{"a": [' + b",".join([b"[]"] * ((256 << 10) // 3 - 10)) + b"]}"
    api.says(hostile)
    where = HttpLookup(api.http.url("/{id}"), {"id": "event.id"}, answer_kib=256)
    lookup = ActionLookup("tier", where, at_once=10, deadline_s=200.0)
    lookups = ActionLookups({"tier": api.factory.source_of(lookup)})
    await lookups.find(lookup, {"event": {"id": "first"}})
    tracemalloc.start()
    try:

        async def ask(number: int) -> None:
            assert (await lookups.find(lookup, {"event": {"id": number}})).record

        await asyncio.gather(*(ask(number) for number in range(12)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        await lookups.close()
    assert peak < 64 << 20


RAW = {
    "cut": b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
    "no http": b"220 mail.example.test ESMTP\r\n",
    "closed": b"",
    "interim": b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
    "header": b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("raw", RAW.values(), ids=RAW)
async def test_what_is_no_whole_answer_is_asked_again_later(api: Api, raw: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(raw)
        await writer.drain()

    with Receiver(serve) as receiver:
        where = HttpLookup(receiver.url("/{id}"), {"id": "event.id"})
        with pytest.raises(LookupDown):
            await found(api.factory.source_of(ActionLookup("tier", where)))


async def test_an_answer_that_drips_costs_no_more_than_the_deadline(api: Api) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n{")
        for _ in range(1000):
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.01)

    with Receiver(serve) as receiver:
        where = HttpLookup(receiver.url("/{id}"), {"id": "event.id"})
        with own_time() as took_s:
            with pytest.raises(LookupDown):
                await found(api.factory.source_of(ActionLookup("tier", where)), deadline_s=0.4)
        assert took_s() < 2.5


async def test_an_address_that_the_policy_forbids_is_not_asked(api: Api) -> None:
    strict = Api(api.http, Policy())
    with pytest.raises(LookupDown, match="blocked by policy"):
        await found(strict.source())
    await strict.sender.close()
    assert api.http.seen == []


@pytest.mark.parametrize("url", ["ftp://a.example/{id}", "https://a.example:22/{id}", "{id}"])
async def test_a_url_that_leads_nowhere_is_no_look_up(api: Api, url: str) -> None:
    where = HttpLookup(url, {"id": "event.id"})
    with pytest.raises(Unusable, match="Look-up tier"):
        api.factory.source_of(ActionLookup("tier", where))


# -- who we are -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("credential", "header", "value"),
    [
        (Basic("brand", SECRET), "authorization", "Basic YnJhbmQ6dG9wLXNlY3JldC0wMTIzNDU2Nzg5"),
        (ApiKey("X-Api-Key", SECRET), "x-api-key", SECRET),
        (ApiKey("Authorization", f"Bearer {SECRET}"), "authorization", f"Bearer {SECRET}"),
    ],
)
async def test_a_credential_is_shown_with_each_question(
    api: Api, credential: Credential, header: str, value: str
) -> None:
    source = api.source(credential=credential)
    await found(source)
    await found(source)
    assert [exchange.headers[header] for exchange in api.http.seen] == [value, value]


class Tokens:
    """Answers as an endpoint of tokens, and as the API that takes the last one alone."""

    def __init__(self, api: Api, key: str, header: str) -> None:
        self.given = self.refused = 0
        self.takes: Callable[[str], bool] = lambda token: True
        self._key, self._header = key, header
        api.http.answer = self._answer

    def _answer(self, exchange: Exchange) -> None:
        if exchange.method == "POST":
            self.given += 1
            said = {self._key: f"token-{self.given}-0123456789", "expires_in": 3600}
            exchange.says(json.dumps(said).encode())
        elif self.takes(exchange.headers[self._header]):
            exchange.says(b'{"tier": "gold"}')
        else:
            self.refused += 1
            exchange.status = 401
            exchange.says(exchange.headers[self._header].encode())


def token_call(api: Api, path: str = "/token") -> TokenCall:
    return TokenCall(api.http.url(path), {"secret": SECRET}, "token", "X-Token", "expires_in")


async def test_a_token_is_asked_for_once_for_all_look_ups_of_a_credential(api: Api) -> None:
    tokens = Tokens(api, "token", "x-token")
    one, other = (api.source(path, credential=token_call(api)) for path in ("/a/{id}", "/b/{id}"))
    asked = [source.find({"id": number}, 5) for source in (one, other) for number in range(5)]
    assert await asyncio.gather(*asked) == [{"tier": "gold"}] * 10
    assert tokens.given == 1


async def test_an_oauth_token_is_shown_as_bearer(api: Api) -> None:
    tokens = Tokens(api, "access_token", "authorization")
    tokens.takes = lambda token: token == "Bearer token-1-0123456789"
    credential = OAuth2ClientCredentials(api.http.url("/token"), "brand", SECRET)
    assert await found(api.source(credential=credential)) == {"tier": "gold"}


async def test_a_401_is_asked_once_more_with_a_fresh_token(api: Api) -> None:
    tokens = Tokens(api, "token", "x-token")
    source = api.source(credential=token_call(api))
    assert await found(source) == {"tier": "gold"}
    tokens.takes = lambda token: not token.startswith("token-1")
    assert await found(source) == {"tier": "gold"}
    assert (tokens.given, tokens.refused) == (2, 1)


async def test_an_api_that_refuses_every_token_is_no_loop(api: Api) -> None:
    tokens = Tokens(api, "token", "x-token")
    tokens.takes = lambda _: False
    source = api.source(credential=token_call(api))
    for _ in range(3):
        with pytest.raises(LookupDown, match="Check the credential") as down:
            await found(source)
        assert "token-" not in down.value.reason and SECRET not in down.value.reason
    assert tokens.given == 2 and tokens.refused == 4


async def test_without_a_token_nothing_is_asked(api: Api) -> None:
    api.says(b"{}", 503, retry_after="40")
    source = api.source(credential=token_call(api))
    with pytest.raises(LookupDown, match="The token endpoint answered 503") as down:
        await found(source)
    assert down.value.wait_s == 40 and [exchange.method for exchange in api.http.seen] == ["POST"]
    assert isinstance(source, HttpSource) and SECRET not in repr(vars(source))
