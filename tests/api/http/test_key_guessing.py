"""Guessing at API keys is slowed down and seen, and who calls with a good one never notices."""

import base64
import json
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from structlog.testing import capture_logs

from tests.api.accept_client import FakeIntake, Types, reader_of
from tests.api.control_client import Reply, Service, basic, scope_of, service
from tidings.api.v1.events.accept import AcceptApp
from tidings.core.access.credential_rules import KINDS
from tidings.core.ids import OrgId
from tidings.engine.access.guards.key_guard import TRIES
from tidings.engine.access.keys import till_secret

HERE, THERE = "192.0.2.66", "198.51.100.7"


async def ask(s: Service, how: str, headers: dict[str, str], address: str = HERE) -> Reply:
    """A call of the control API, of the original's, or with an event, from an address."""
    method, path, body = {
        "control": ("GET", "/v1/caller", b""),
        "v3": ("GET", "/v3/webHooks", b""),
        "accept": ("POST", "/v1/events", b"{}"),
    }[how]
    app: Any = accept_app(s) if how == "accept" else s.app
    sent: list[Any] = []
    asked = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Any:
        return next(asked, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        sent.append(message)

    more = {"content-type": "application/json"} if body else {}
    scope = scope_of(method, path, more | headers) | {"client": (address, 1)}
    await app(scope, receive, send)
    got = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Reply(sent[0]["status"], got, b"".join(row.get("body", b"") for row in sent[1:]))


def accept_app(s: Service) -> AcceptApp:
    return AcceptApp(
        FakeIntake(),
        reader_of(Types(), s.orgs.rules, lambda: "e"),
        s.access,
        clock_ms=s.clock.now_ms,
        new_request_id=lambda: "r",
    )


def guesses() -> list[dict[str, str]]:
    """Every kind of credential that nobody has."""
    raw = base64.b64encode(b"\xff\xff").decode()
    return [
        {"authorization": basic("boss", "wrong")},
        {"authorization": basic("nobody", "s3cret")},
        {"authorization": basic("no colon", "").replace("=", "")},
        {"authorization": f"Basic {raw}"},
        {"authorization": "Basic !"},
        {"authorization": "Digest x"},
        {"authorization": "Bearer x.y.z"},
        {"x-cap-api-oauth-token": "eyJhbGciOiJub25lIn0.e30."},
    ]


@pytest.mark.parametrize("how", ["control", "v3", "accept"])
async def test_wrong_keys_from_one_address_are_answered_429_with_a_time(how: str) -> None:
    async with service() as s:
        auth = await s.add_org(7)
        good = {"authorization": auth}
        kinds = guesses()
        told = []
        for n in range(TRIES + 40):
            told.append(await ask(s, how, kinds[n % len(kinds)]))
            if n % 10 == 0:
                assert (await ask(s, how, good)).status not in (401, 403, 429)
        assert [reply.status for reply in told] == [401] * TRIES + [429] * 40
        last = told[-1]
        assert 1 <= int(last.headers["retry-after"]) <= 60
        assert "Correct the credential" in last.body.decode()
        assert (await ask(s, how, kinds[0], THERE)).status == 401
        other = {"authorization": await s.add_org(8)}
        for _ in range(TRIES * 2):
            assert (await ask(s, how, other)).status not in (401, 403, 429)
        assert (await ask(s, how, kinds[0])).status == 429
        s.clock.ms += int(last.headers["retry-after"]) * 1000
        assert (await ask(s, how, kinds[0])).status == 401


async def test_one_address_is_counted_over_all_ways_to_call_and_an_ipv6_network_is_one() -> None:
    async with service() as s:
        ways = ("control", "accept", "v3")
        statuses = []
        for n in range(TRIES + 5):
            wrong = {"authorization": basic("boss", f"wrong {n}")}
            statuses.append((await ask(s, ways[n % 3], wrong, f"2001:db8::{n:x}")).status)
        assert statuses == [401] * TRIES + [429] * 5
        body = {"key": "boss", "secret": "wrong"}
        for n in range(TRIES + 5):
            told = await s.call("POST", "/v3/oauth/token/generate", body, None)
            assert told.status == (401 if n < TRIES else 429), n
        assert told.headers["retry-after"]


async def test_a_secret_that_was_good_once_is_not_guessed() -> None:
    """A client whose token ran out, or whose key was revoked, is told so however often it asks."""
    async with service() as s:
        await s.add_org(7)
        boss = s.access.caller_of("boss")
        body = {"name": "a", "kind": "oauth", "scopes": {"logs": "read"}}
        client = (await s.call("POST", "/v1/orgs/7/credentials", body)).json
        pair = {"key": client["id"], "secret": client["secret"]}
        reply = await s.call("POST", "/v3/oauth/token/generate", pair, None)
        token = reply.json["data"]["accessToken"]
        s.clock.ms += 3_700_000
        for _ in range(TRIES * 2):
            told = await ask(s, "control", {"x-cap-api-oauth-token": token})
            assert told.status == 401
        for kind in sorted({*KINDS} - {"till"}):  # a person's word: nobody learns what it once was
            body = {"name": "b", "kind": kind, "scopes": {"logs": "read"}}
            made = (await s.call("POST", "/v1/orgs/7/credentials", body)).json
            await s.access_services.credentials.revoke(boss, OrgId(7), made["id"])
            ended = {"authorization": basic(made["id"], made["secret"])}
            for _ in range(TRIES * 2):
                assert (await ask(s, "accept", ended)).status == 401, kind
            assert s.access.guard.refused == 0, kind


async def test_guessing_is_seen() -> None:
    async with service() as s:
        registry = CollectorRegistry()
        registry.register(s.access.guard)
        with capture_logs() as lines:
            for n in range(TRIES + 30):
                await ask(s, "control", {"authorization": basic("boss", f"wrong {n}")})
        told = [line for line in lines if line["event"] == "keys are being guessed"]
        assert [
            (mutable_mapping["address"], mutable_mapping["refused"]) for mutable_mapping in told
        ] == [(HERE, TRIES + 1)]
        assert "wrong" not in json.dumps(lines)
        shown = generate_latest(registry).decode()
        assert f'tidings_keys_refused_total{{status="401"}} {float(TRIES)}' in shown
        assert 'tidings_keys_refused_total{status="429"} 30.0' in shown


async def test_what_is_remembered_of_addresses_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidings.engine.access.guards.key_guard.KEPT_MAX", 50)
    async with service() as s:
        for n in range(300):
            wrong = {"authorization": basic("boss", "wrong")}
            await ask(s, "accept", wrong, f"10.0.{n // 250}.{n % 250}")
        assert len(s.access.guard._places) == 50


@pytest.mark.parametrize("tries", [60, 100, 1000])
async def test_a_till_is_not_shut_out_where_it_stands(tries: int) -> None:
    async with service() as s:
        await s.add_org(7)
        body = {
            "name": "till",
            "kind": "till",
            "code": "t.1",
            "password": "several words of mine",
            "scopes": {"events": "write"},
        }
        made = await s.call("POST", "/v1/orgs/7/credentials", body)
        assert made.status == 201, made.body
        md5 = "0f" * 16
        wrong = {"authorization": basic("t.1", md5)}
        secret = till_secret("several words of mine")
        good = {"authorization": basic("t.1", secret)}
        assert (await ask(s, "accept", good, THERE)).status not in (401, 429)
        for n in range(tries):
            await ask(s, "accept", wrong, f"203.0.113.{n % 20}")
        await s.add_org(9)  # what was remembered of good headers is forgotten
        stranger = (await ask(s, "accept", good, "192.0.2.1")).status
        assert stranger == (429 if tries == 1000 else 422)
        await s.add_org(10)
        assert (await ask(s, "accept", good, THERE)).status == 422
