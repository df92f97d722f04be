"""`GET /v1/failing`: what fails over all orgs, for their operator; an org sees its own alone."""

import pytest

from tests.api.control_client import service
from tests.api.v1.webhooks.failing_webhooks import HOSTILE, asked, fail, webhook
from tidings.core.ids import OrgId


async def test_webhooks_of_several_orgs_that_fail_alike_are_one_group() -> None:
    async with service() as s:
        for org in (7, 8, 9):
            await s.add_org(org)
            fail(s, await webhook(s, org, f"https://api.acme.example/{org}"))
        fail(s, await webhook(s, 9, "https://other.example/", name="shop"), "503")
        await webhook(s, 9, "https://fine.example/", name="fine")
        found = await asked(s)
        assert (found["webHooks"], found["orgs"], len(found["groups"])) == (4, 3, 2)
        acme, other = found["groups"]
        since = acme["failingSince"]
        assert acme["sentence"] == (
            "3 webhooks of 3 orgs at api.acme.example have been refusing connections since "
            f"{since}."
        )
        assert (acme["host"], acme["cause"], acme["state"]) == (
            "api.acme.example",
            "refused",
            "failing",
        )
        assert [member["orgId"] for member in acme["members"]] == [7, 8, 9]
        assert "answering 503" in other["sentence"]
        assert "missingCells" not in found and found["webHooksOfOtherGroups"] == 0


async def test_who_has_recovered_or_is_paused_is_not_there_any_more() -> None:
    async with service() as s:
        await s.add_org(7)
        one = await webhook(s, 7, "https://a.example/")
        two = await webhook(s, 7, "https://a.example/", name="two")
        fail(s, one)
        fail(s, two)
        assert (await asked(s))["webHooks"] == 2
        s.parts.delivery.engine.healths.good(one)
        assert [member["name"] for member in (await asked(s))["groups"][0]["members"]] == ["two"]
        record = s.webhooks.at(two)
        await s.webhooks.change_status(OrgId(7), record.webhook.id, "pause", "tests")
        assert (await asked(s))["groups"] == []


async def test_an_org_sees_its_own_alone() -> None:
    async with service() as s:
        own = await s.add_org(7)
        await s.add_org(8, parent=7)
        for org in (7, 8):
            fail(s, await webhook(s, org, "https://api.acme.example/", name=f"hook of {org}"))
        shown = await asked(s, own)
        assert (shown["webHooks"], shown["orgs"]) == (1, 1)
        reply = await s.call("GET", "/v1/failing", None, own)
        assert b"hook of 8" not in reply.body and b"Org 8" not in reply.body
        refused = await s.call("GET", "/v1/failing", None, own, x_tidings_org="8")
        assert refused.status == 403
        acting = await asked(s, x_tidings_org="8")
        assert [member["orgId"] for member in acting["groups"][0]["members"]] == [8]


@pytest.mark.parametrize("scopes", ["events:write", "logs:read"])
async def test_it_needs_the_scope_of_webhooks(scopes: str) -> None:
    async with service() as s:
        auth = await s.add_org(7, scopes)
        assert (await s.call("GET", "/v1/failing", None, auth)).status == 403


async def test_nothing_of_a_url_is_shown_but_its_host() -> None:
    async with service() as s:
        await s.add_org(7)
        long = ".".join(["a" * 62] * 3 + ["b" * 60])
        for number, url in enumerate(
            (f"https://{long}/s3cret?t=s3cret", "https://xn--9ca.example/")
        ):
            fail(s, await webhook(s, 7, url, name=f"{HOSTILE} {number}"))
        reply = await s.call("GET", "/v1/failing")
        assert b"s3cret" not in reply.body
        assert {group["host"] for group in reply.json["groups"]} == {long, "xn--9ca.example"}
