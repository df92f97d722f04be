"""What fails in several cells is one page; a cell that does not answer is named."""

from tests.api.v1.webhooks.failing_webhooks import asked, fail, webhook
from tests.app.cells.several_cells import ONE, TWO, FixedMap, several_cells
from tests.engine.audit.kept_log import entries_of
from tidings.api.cells.failing import (
    CHANGED,
    GONE,
    RECOVERED,
    UNKNOWN,
    NamedWebhook,
    carry_out,
)
from tidings.core.audit.actor import Actor
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import OrgId, WebhookId
from tidings.engine.audit.current_actor import acting_as

ASHA = Actor("person", "usr_asha", "asha@acme.example", "console", "192.0.2.7")


async def test_groups_are_put_together_over_cells() -> None:
    async with several_cells() as members:
        for org, member in zip((7, 8), members, strict=True):
            await member.service.add_org(org)
            fail(member.service, await webhook(member.service, org, "https://api.acme.example/"))
        for member in members:
            found = await asked(member.service)
            [group] = found["groups"]
            assert (group["webHooks"], group["orgs"]) == (2, 2)
            assert "missingCells" not in found


async def test_a_cell_that_does_not_answer_is_named() -> None:
    fixed = FixedMap()
    async with several_cells(fixed=fixed, answer_s_least=0.2) as members:
        one, two = members
        for org, member in zip((7, 8), members, strict=True):
            await member.service.add_org(org)
            fail(member.service, await webhook(member.service, org, "https://api.acme.example/"))
        await two.door.stop(0.1)
        found = await asked(one.service)
        assert found["missingCells"] == [TWO] and found["webHooks"] == 1


async def test_what_is_named_is_done_in_the_cell_that_has_it_and_what_has_changed_is_not() -> None:
    async with several_cells() as members:
        named: list[NamedWebhook] = []
        numbers: list[int] = []
        for org, member in zip((7, 8), members, strict=True):
            s = member.service
            await s.add_org(org)
            for name in ("one", "two", "three"):
                number = await webhook(s, org, "https://api.acme.example/", name=name)
                fail(s, number)
                found = s.webhooks.at(number).webhook
                named.append(NamedWebhook(OrgId(org), found.id, found.version))
                numbers.append(number)
        first, second = (member.service for member in members)
        first.parts.delivery.engine.healths.good(numbers[1])
        await second.webhooks.change_status(OrgId(8), named[4].id, "pause", "tests")
        foreign = NamedWebhook(OrgId(9), named[5].id, 1)  # of an org that is nowhere
        unknown = NamedWebhook(OrgId(8), WebhookId("f" * 24), 1)
        with acting_as(ASHA):
            done = await carry_out(first.services, "pause", [*named, foreign, unknown], "usr_asha")
        assert [outcome.why for outcome in done[:6]] == ["", RECOVERED, "", "", CHANGED, ""]
        assert [outcome.why for outcome in done[6:]] == [GONE, GONE]
        assert first.webhooks.at(numbers[0]).webhook.status is WebhookStatus.PAUSED
        assert second.webhooks.at(numbers[3]).webhook.status is WebhookStatus.PAUSED
        assert first.webhooks.at(numbers[1]).webhook.status is WebhookStatus.ACTIVE
        entries = entries_of(second.store, 8)
        last = [written for written in entries if written.object == named[3].id][-1]
        assert (last.actor, last.face, last.address) == ("usr_asha", "console", "192.0.2.7")


async def test_what_a_silent_cell_has_is_not_known_to_be_done() -> None:
    async with several_cells(answer_s_least=0.2) as members:
        one, two = members
        await two.service.add_org(8)
        number = await webhook(two.service, 8, "https://api.acme.example/")
        fail(two.service, number)
        found = two.service.webhooks.at(number).webhook
        await two.door.stop(0.1)
        named = [NamedWebhook(OrgId(8), found.id, found.version)]
        [outcome] = await carry_out(one.service.services, "disable", named, "boss")
        assert outcome.why == UNKNOWN and ONE == one.cell
