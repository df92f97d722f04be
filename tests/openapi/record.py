"""Real answers as the description's examples: `python -m tests.openapi.record FILE`.

Examples that are there and still fit stay; only what is missing is recorded anew.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from tests.api.control_client import basic
from tests.openapi.calls import body_of, headers_of, second_of
from tests.openapi.entries import SCOPES
from tests.openapi.two_cells import add_second_cell
from tests.openapi.validate import faults, lacking
from tests.openapi.world import Reply, Things, World, world
from tidings.api.openapi.document import operations
from tidings.api.route import OPEN, PLATFORM
from tidings.core.connections.connection import Connection
from tidings.core.sources.source_types import OUTBOX

BOSS = basic("boss", "s3cret")
# Without a body in their answer, or with one that never ends: described by their request alone.
_TOKEN, _PASSWORD = "POST /v3/oauth/token/generate", "POST /v1/passwords"
_RESUME = "POST /v1/replays/{replay_id}/resume"


async def prepared(w: World, things: Things, call: str) -> Any:
    """What must be there before a call can do its work; the body that belongs to it."""
    org = f"/v1/orgs/{things.org}"
    hook = f"/v3/webHooks/{things.ids['webHookId']}"
    if call == _TOKEN:
        body = {"kind": "oauth", "name": "app", "scopes": {"logs": "read"}}
        made = (await w.call("POST", f"{org}/credentials", body, things.auth)).json
        return {"key": made["id"], "secret": made["secret"]}
    if call == _PASSWORD:
        body = {"email": "new@acme.example"}
        made = (await w.call("POST", f"{org}/users", body, things.auth)).json
        return {"token": made["invitation"]["token"], "password": "several words of mine"}
    if "/v1/cells" in call or "/move" in call:
        add_second_cell(w.s)
    if call == "POST /v1/takeAsDelivered":
        await w.call("POST", "/v1/stop", None, BOSS)
    if call.endswith("/webHooks/{webHookId}/resume"):
        await w.call("POST", f"{hook}/pause", None, things.auth)
    if call.endswith("/webHooks/{webHookId}/enable"):
        await w.call("POST", f"{hook}/disable", None, things.auth)
    if call == "POST /v1/sources/{source_id}/takeOver":
        w.s.parts.sources.sources.connections = {"shop": Connection("shop", OUTBOX, {}, None)}
        body = {"name": "shop", "type": OUTBOX, "connection": "shop"}
        made = (await w.call("POST", "/v1/sources", body, BOSS)).json
        things.ids["source_id"] = made["id"]
    if call == "POST /v1/replays/{replay_id}/pause":
        w.s.lanes.room = 0
        path = things.path(_RESUME)
        assert (await w.call("POST", path, None, things.auth)).status == 200
    return body_of(call, things)


async def good(w: World, things: Things, call: str) -> tuple[Any, Reply]:
    """Make a call that does its work; its body and the reply."""
    scope = SCOPES[call]
    auth = None if scope == OPEN else BOSS if scope.startswith(PLATFORM) else things.auth
    body = await prepared(w, things, call)
    method = call.partition(" ")[0]
    reply = await w.call(method, things.path(call), body, auth, headers_of(call))
    return body, reply


async def second(w: World, things: Things, call: str) -> dict[str, Any] | None:
    """The other good answer of a call, by its status; None where it has one alone."""
    asked = second_of(call, things)
    if asked is None:
        return None
    of, body = asked
    reply = await w.call(call.partition(" ")[0], of.path(call), body, things.auth)
    return {str(reply.status): _example(call, None, reply)["answer"]}


async def recorded(calls: list[str]) -> dict[str, Any]:
    """An example of each call; each that changes something in a world of its own."""
    found: dict[str, Any] = {}
    async with world() as w:
        things = await w.org(2001, "acme")
        for call in calls:
            if call.startswith("GET "):
                found[call] = _example(call, *await good(w, things, call))
    for call in calls:
        if call not in found:
            async with world() as w:
                found[call] = _example(call, *await good(w, await w.org(2001, "acme"), call))
        async with world() as w:
            others = await second(w, await w.org(2001, "acme"), call)
        if others is not None:
            found[call]["others"] = others
    return found


def _example(call: str, body: Any, reply: Reply) -> dict[str, Any]:
    assert 200 <= reply.status < 300, (call, reply.status, reply.body)
    example: dict[str, Any] = {"status": reply.status}
    if body is not None and not isinstance(body, bytes):
        example["body"] = body
    if reply.headers.get("content-type") == "application/json":
        example["answer"] = _short(reply.json)
    elif reply.body:
        example["answer"] = reply.body.decode()[:400]
    return example


def _short(value: Any) -> Any:
    """A value whose lists of objects have at most 3."""
    if isinstance(value, dict):
        return {key: _short(row) for key, row in value.items()}
    if isinstance(value, list):
        return [
            _short(row) for row in (value[:3] if value and isinstance(value[0], dict) else value)
        ]
    return value


async def main(path: Path) -> None:
    """Fill the file."""
    known: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    async with world() as w:
        document = await w.document()
    calls = [call for call, _ in operations(document)]
    unfit = {call for call, _, _ in faults(document, known)}
    bare = {call for call, operation in operations(document) if lacking(operation)}
    wanted = [call for call in calls if call not in known or call in unfit | bare]
    made = known | await recorded(wanted)
    kept = {call: made[call] for call in sorted(calls)}
    path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    print(f"{len(wanted)} examples recorded, {len(kept)} in all", file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
