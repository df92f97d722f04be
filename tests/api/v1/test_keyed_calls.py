"""`Idempotency-Key` holds for every call of `/v1` that makes something: it is made once."""

import asyncio
from typing import Any

from tests.api.control_client import Service, basic, service
from tests.openapi.calls import body_of
from tests.openapi.entries import SCOPES
from tests.openapi.world import world
from tidings.api.openapi.document import operations
from tidings.api.route import PLATFORM
from tidings.engine.keyed_calls import ANSWER_BYTES_MAX
from tidings.store.port import KEYED_KEPT_MS, StoreDown
from tools.api_promise import described

BOSS = basic("boss", "s3cret")
KEY = {"idempotency-key": "k-1"}
# What makes something by a key of its own, or is the same however often it is made.
OTHERWISE = {"POST /v1/events"}
ORG = "/v1/orgs/7"
NEW = {"kind": "key", "name": "shop", "scopes": {"events": "write"}}


def keyed() -> dict[str, Any]:
    return {
        call: operation
        for call, operation in operations(described())
        if any(row.get("name") == "Idempotency-Key" for row in operation.get("parameters", ()))
        and call.startswith("POST /v1/")
        and call not in OTHERWISE
    }


def test_every_call_that_makes_something_declares_it() -> None:
    made = {
        call
        for call, operation in operations(described())
        if call.startswith("POST /v1/") and "201" in operation["responses"]
    }
    assert made <= keyed().keys(), "say keyed=True in the entry of the route"
    assert len(keyed()) >= 12


async def test_the_same_call_is_answered_the_same_and_another_body_is_refused() -> None:
    async with world() as w:
        w.s.feed.close()
        things = await w.org(2001, "acme")
        for call in keyed():
            method, path = call.split()[0], things.path(call)
            auth = BOSS if SCOPES[call].startswith(PLATFORM) else things.auth
            body = body_of(call, things)
            w.s.clock.ms += 1000  # of test messages an org sends one a second
            first = await w.call(method, path, body, auth, KEY)
            assert 200 <= first.status < 300, (call, first.body)
            again = await w.call(method, path, body, auth, KEY)
            assert (again.status, again.body) == (first.status, first.body), call
            assert again.headers["idempotent-replayed"] == "true"
            assert "idempotent-replayed" not in first.headers
            assert again.headers["cache-control"] == first.headers["cache-control"]
            other = await w.call(method, path, {"other": 1}, auth, KEY)
            assert other.status == 422, call
            assert other.json["error"]["code"] == "idempotency_key_reused"


async def listed(s: Service) -> list[str]:
    told = (await s.call("GET", f"{ORG}/credentials", auth=BOSS)).json["credentials"]
    return [row["name"] for row in told if row["name"] == "shop"]


async def test_two_at_once_make_one_and_somebody_elses_key_is_another() -> None:
    async with service() as s:
        await s.add_org(7)
        path = f"{ORG}/credentials"
        calls = [s.call("POST", path, NEW, auth=BOSS, idempotency_key="k-1") for _ in range(3)]
        answers = await asyncio.gather(*calls)
        assert len({answer.body for answer in answers}) == 1 and len(await listed(s)) == 1
        own = await s.add_org(7)
        more = await s.call("POST", path, NEW, auth=own, idempotency_key="k-1")
        assert more.status == 201 and more.json["secret"] != answers[0].json["secret"]
        assert len(await listed(s)) == 2


async def test_a_refused_call_is_not_kept_and_a_day_later_the_key_is_free() -> None:
    async with service() as s:
        await s.add_org(7)
        path = f"{ORG}/credentials"
        wrong = await s.call("POST", path, {"kind": "key"}, auth=BOSS, idempotency_key="k-1")
        assert wrong.status == 400
        assert (await s.call("POST", path, NEW, auth=BOSS, idempotency_key="k-1")).status == 201
        s.clock.ms += KEYED_KEPT_MS
        assert (await s.call("POST", path, NEW, auth=BOSS, idempotency_key="k-1")).status == 201
        assert len(await listed(s)) == 2


async def test_it_survives_a_restart_sealed_and_a_cut_off_call_is_not_made_again() -> None:
    async with service() as s:
        await s.add_org(7)
        path = f"{ORG}/credentials"
        first = await s.call("POST", path, NEW, auth=BOSS, idempotency_key="k-1")
        again = Service(s.store, s.clock)
        await again.start()
        told = await again.call("POST", path, NEW, auth=BOSS, idempotency_key="k-1")
        assert told.body == first.body and len(await listed(again)) == 1
        await again.webhooks.close()

        async def lost(*_: object) -> None:
            raise ConnectionError

        s.store.end_call = lost  # type: ignore[method-assign, assignment]
        assert (await s.call("POST", path, NEW, auth=BOSS, idempotency_key="k-2")).status == 500
        del s.store.end_call
        told = await s.call("POST", path, NEW, auth=BOSS, idempotency_key="k-2")
        assert (told.status, told.json["error"]["code"]) == (409, "already_made")
        assert len(await listed(s)) == 2


async def test_while_the_store_takes_no_writes_nothing_is_made_and_what_was_made_is_told() -> None:
    async with service() as s:
        await s.add_org(7)
        path = f"{ORG}/credentials"

        async def down(*_: object) -> Any:
            raise StoreDown

        s.store.begin_call = down  # type: ignore[method-assign, assignment]
        told = await s.call("POST", path, NEW, auth=BOSS, idempotency_key="k-1")
        assert told.status == 503 and await listed(s) == []
        del s.store.begin_call
        s.store.end_call = down  # type: ignore[method-assign, assignment]
        told = await s.call("POST", path, NEW, auth=BOSS, idempotency_key="k-1")
        assert told.status == 201 and "secret" in told.json
        del s.store.end_call
        told = await s.call("POST", path, NEW, auth=BOSS, idempotency_key="k-1")
        assert (told.status, told.json["error"]["code"]) == (409, "already_made")


async def test_who_goes_before_the_answer_finds_it_by_the_key() -> None:
    async with service() as s:
        await s.add_org(7)
        path = f"{ORG}/credentials"
        begun, go_on = asyncio.Event(), asyncio.Event()
        end = s.store.end_call

        async def slow(*given: Any) -> None:
            begun.set()
            await go_on.wait()
            await end(*given)

        s.store.end_call = slow  # type: ignore[method-assign, assignment]
        asking = asyncio.create_task(s.call("POST", path, NEW, auth=BOSS, idempotency_key="k-1"))
        await begun.wait()
        asking.cancel()
        again = asyncio.create_task(s.call("POST", path, NEW, auth=BOSS, idempotency_key="k-1"))
        await asyncio.sleep(0)
        go_on.set()
        told = await again
        assert told.status == 201 and "secret" in told.json and len(await listed(s)) == 1


async def test_a_key_that_cannot_be_is_refused_and_nobody_is_told_of_keys() -> None:
    async with service() as s:
        await s.add_org(7)
        path = f"{ORG}/credentials"
        wrong = await s.call("POST", path, NEW, auth=BOSS, idempotency_key="a b")
        assert (wrong.status, wrong.json["error"]["code"]) == (400, "bad_idempotency_key")
        assert (await s.call("POST", path, NEW, auth=None, idempotency_key="k-1")).status == 401
        assert ANSWER_BYTES_MAX == 32 * 1024


ALL = {"admin": "write", "webhooks": "write", "sources": "write", "events": "write"} | {
    "logs": "read", "reference": "write", "replay": "write", "messages": "write",
}  # fmt: skip


async def test_a_kept_answer_is_shown_to_nobody_who_could_not_make_the_call_now() -> None:
    async with world() as w:
        things, at = await w.org(2001, "acme"), "/v1/orgs/2001/credentials"
        calls = [call for call in keyed() if not SCOPES[call].startswith(PLATFORM)]
        for number, call in enumerate(calls):
            made = (await w.call("POST", at, NEW | {"scopes": ALL}, BOSS)).json
            auth, mine = basic(made["id"], made["secret"]), f"{at}/{made['id']}"
            method, path, body = call.split()[0], things.path(call), body_of(call, things)
            key = {"idempotency-key": f"shop-{number}"}
            if isinstance(body, dict) and "name" in body:
                body["name"] = f"{body['name']}-{number}"
            w.s.clock.ms += 1000  # of test messages an org sends one a second
            first = await w.call(method, path, body, auth, key)
            assert 200 <= first.status < 300, (call, first.body)
            needed = SCOPES[call].partition(":")[0]
            without = {name: level for name, level in ALL.items() if name != needed}
            other = "reference" if needed != "reference" else "logs"
            less = {name: level for name, level in ALL.items() if name != other}
            for scopes, status in ((without, 403), (less, 409), (ALL, first.status)):
                changed = await w.call("PATCH", mine, {"scopes": scopes}, BOSS)
                assert changed.status == 200, changed.body
                again = await w.call(method, path, body, auth, key)
                assert again.status == status, (call, again.body)
                assert (again.body == first.body) is (scopes is ALL)
            assert (await w.call("DELETE", mine, None, BOSS)).status == 200
            assert (await w.call(method, path, body, auth, key)).status == 401, call
