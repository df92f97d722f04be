"""`GET /v1/audit` and its export: an org's own entries, by who, when, what and on what."""

from datetime import datetime
from typing import Any

import msgspec
import pytest

from tests.api.control_client import Service, service
from tests.engine.audit.kept_log import entries_of
from tidings.core.audit.actor import Actor
from tidings.core.audit.audit_actions import (
    ORG_CHANGED,
    SOURCE_CHANGED,
    WEBHOOK_CHANGED,
    AuditAction,
)
from tidings.core.audit.chain import check_chain
from tidings.core.audit.entries import PLATFORM_CHAIN, AuditEntry
from tidings.engine.audit.audit_log import Fields

ASHA = Actor("person", "usr_asha", "asha@acme.example", "console", "192.0.2.7", "till 4")


async def append(
    s: Service,
    org: int,
    object: str,
    action: AuditAction = WEBHOOK_CHANGED,
    actor: Actor = ASHA,
    after: Fields | None = None,
) -> None:
    await s.parts.base.audit.append(action, org, object, after or {"name": "crm"}, actor=actor)


async def asked(s: Service, query: str = "", auth: str = "", **headers: str) -> Any:
    reply = await s.call("GET", f"/v1/audit{query}", None, auth, **headers)
    assert reply.status == 200, reply.body
    return reply.json


async def test_a_change_is_shown_with_who_made_it_and_what_was_before() -> None:
    async with service() as s:
        own = await s.add_org(50)
        await s.call("PATCH", "/v1/orgs/50", {"name": "Acme"}, own)
        await append(s, 50, "w1")
        viewed, changed, *_ = (await asked(s, auth=own))["entries"]
        assert viewed["actor"] == {
            "kind": "person",
            "id": "usr_asha",
            "name": "asha@acme.example",
            "face": "console",
            "address": "192.0.2.7",
            "behalf": "till 4",
        }
        assert changed["number"] == viewed["number"] - 1 and changed["times"] == 1
        assert changed["at"] == "2026-02-11T09:15:00.000Z"
        assert changed["action"] == "org.changed" and changed["summary"] == "changed the org"
        assert changed["object"] == {"kind": "org", "id": "50"}
        assert (changed["before"], changed["after"]) == ({"name": "Org 50"}, {"name": "Acme"})
        assert changed["actor"]["id"] == "org50" and changed["actor"]["face"] == "api"
        assert viewed["before"] is None and "mac" not in viewed


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("actor=usr_asha", ["s1", "w1"]),
        ("action=webhook.changed", ["w1"]),
        ("objectKind=source", ["s1"]),
        ("object=w1", ["w1"]),
        ("object=w1&objectKind=org", []),
        ("actor=usr_asha&objectKind=webhook", ["w1"]),
        ("since=2026-02-11T09:15:02Z", ["s1", "w1"]),
        ("since=2026-02-11T09:15:01Z&until=2026-02-11T09:15:02Z", ["50"]),
        ("since=2026-02-11T09:15:01Z", ["s1", "w1", "50"]),
    ],
)
async def test_filters_combine(query: str, found: list[str]) -> None:
    async with service() as s:
        own = await s.add_org(50)
        for object, action, actor in (
            ("50", ORG_CHANGED, Actor("credential", "tdk_1", "engine", "api")),
            ("w1", WEBHOOK_CHANGED, ASHA),
            ("s1", SOURCE_CHANGED, ASHA),
        ):
            s.clock.ms += 1000
            await append(s, 50, object, action=action, actor=actor)
        told = await asked(s, f"?{query}", own)
        assert [entry["object"]["id"] for entry in told["entries"]] == found
        before = await asked(s, "?until=2026-02-11T09:15:01Z", own)
        assert [entry["action"] for entry in before["entries"]][-1] == "org.created"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("action=webhook.chnged", "action"),
        ("objectKind=webhok", "objectKind"),
        ("chain=other", "chain"),
        ("since=soon", "since"),
        ("limit=0", "limit"),
        ("who=usr_asha", "who"),
        (f"actor={'x' * 300}", "actor"),
    ],
)
async def test_what_cannot_be_asked_is_refused(query: str, field: str) -> None:
    async with service() as s:
        reply = await s.call("GET", f"/v1/audit?{query}")
        assert (reply.status, reply.json["error"]["path"]) == (400, field), reply.body


@pytest.mark.parametrize("path", ["/v1/audit", "/v1/audit/export"])
async def test_a_chain_that_there_is_not_is_refused_with_those_that_there_are(path: str) -> None:
    async with service() as s:
        for chain in ("other", "50", "Platform"):
            reply = await s.call("GET", f"{path}?chain={chain}")
            assert (reply.status, reply.json["error"]["path"]) == (400, "chain"), reply.body
            assert reply.json["error"]["message"] == (
                f'chain must be platform or left out; got "{chain}". Leave it out for the audit '
                "log of the org. (bad_parameter, field chain)"
            )
        for chain in ("", "platform"):
            assert (await s.call("GET", f"{path}?chain={chain}")).status == 200


async def test_pages_lead_to_both_sides() -> None:
    async with service() as s:
        own = await s.add_org(50)
        for number in range(7):
            await append(s, 50, f"w{number}")
        of_asha = "?limit=3&actor=usr_asha"
        first = await asked(s, of_asha, own)
        second = await asked(s, f"{of_asha}&cursor={first['paging']['next']}", own)
        third = await asked(s, f"{of_asha}&cursor={second['paging']['next']}", own)
        objects = [
            [entry["object"]["id"] for entry in page["entries"]] for page in (first, second, third)
        ]
        assert objects == [["w6", "w5", "w4"], ["w3", "w2", "w1"], ["w0"]]
        assert first["paging"]["previous"] is None and third["paging"]["next"] is None
        back = await asked(s, f"{of_asha}&cursor={second['paging']['previous']}", own)
        assert back["entries"] == first["entries"]


async def test_an_org_sees_its_own_entries_alone() -> None:
    async with service() as s:
        own, other = await s.add_org(50), await s.add_org(60)
        child = await s.add_org(70, parent=50)
        for org, object in ((50, "of-50"), (60, "of-60"), (70, "of-70"), (PLATFORM_CHAIN, "all")):
            await append(s, org, object)
        for auth, mark in ((own, "of-50"), (other, "of-60"), (child, "of-70")):
            for path in ("/v1/audit", "/v1/audit/export"):
                body = (await s.call("GET", path, None, auth)).body.decode()
                seen = [name for name in ("of-50", "of-60", "of-70", '"all"') if name in body]
                assert seen == [mark], path
                refused = await s.call("GET", f"{path}?chain=platform", None, auth)
                assert refused.status == 403 and refused.json["error"]["path"] == "chain"
                foreign = await s.call("GET", path, None, auth, X_Tidings_Org="1")
                assert foreign.status == 403, "it acts in no other org"
        for object in ("of-60", "of-70"):
            assert (await asked(s, f"?object={object}", own))["entries"] == []


async def test_the_platform_sees_each_org_s_and_its_own() -> None:
    async with service() as s:
        await s.add_org(50)
        await append(s, 50, "of-50")
        await append(s, PLATFORM_CHAIN, "all")
        told = await asked(s, "?limit=1", X_Tidings_Org="50")
        assert [entry["object"]["id"] for entry in told["entries"]] == ["of-50"]
        told = await asked(s, "?chain=platform&limit=1", X_Tidings_Org="50")
        assert [entry["object"]["id"] for entry in told["entries"]] == ["all"]


@pytest.mark.parametrize("path", ["/v1/audit", "/v1/audit/export"])
async def test_it_takes_the_scope_of_administrators(path: str) -> None:
    async with service() as s:
        every_other = "webhooks:write sources:write events:write logs:read reference:write"
        own = await s.add_org(50, f"{every_other} replay:write messages:write")
        assert (await s.call("GET", path, None, own)).status == 403
        assert (await s.call("GET", path, None, None)).status == 401


def sealed(row: dict[str, Any]) -> AuditEntry:
    """An exported entry as it was sealed."""
    at = datetime.fromisoformat(row["at"])
    actor = row["actor"]
    before, after = (
        None if fields is None else msgspec.json.encode(fields)
        for fields in (row["before"], row["after"])
    )
    return AuditEntry(
        row["orgId"] or PLATFORM_CHAIN,
        row["number"],
        round(at.timestamp() * 1000),
        actor["kind"],
        actor["id"],
        actor["name"],
        actor["face"],
        actor["address"],
        actor["behalf"],
        row["action"],
        row["object"]["kind"],
        row["object"]["id"],
        before,
        after,
        row["times"],
        bytes.fromhex(row["mac"]),
    )


async def test_an_export_is_whole_in_order_and_can_be_checked() -> None:
    async with service() as s:
        own = await s.add_org(50)
        hostile = {"name": '<script>alert("x")</script>\u202e', "rate": 1.5, "tags": ["é", None]}
        for number in range(6):
            s.clock.ms += 7
            await append(s, 50, f"w{number}", after=hostile)
        rows: list[dict[str, Any]] = []
        after, calls = 0, 0
        while after is not None:
            told = (await s.call("GET", f"/v1/audit/export?limit=3&after={after}", None, own)).json
            rows, after, calls = rows + told["entries"], told["nextAfter"], calls + 1
        assert [row["number"] for row in rows] == list(range(1, len(rows) + 1))
        assert calls == -(-len(rows) // 3) and len(rows) > 6
        assert [sealed(row) for row in rows] == entries_of(s.store, 50)
        key = s.parts.ports.secrets.keys.audit
        assert list(check_chain(key, map(sealed, rows))) == []
        assert list(check_chain(key, map(sealed, rows[:3] + rows[4:])))
        later = (await s.call("GET", f"/v1/audit/export?after={len(rows)}", None, own)).json
        assert later == {"entries": [], "nextAfter": None}
