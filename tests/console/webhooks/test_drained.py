"""Drains that are begun from the list of webhooks and from the form of one, and one that was lost
sight of."""

import re
from html import unescape

from tests.api.log_client import accept, settle
from tests.console.webhook_client import FORM, Pages, pages, text
from tidings.core.delivery.drain import LOST_SIGHT
from tidings.core.delivery.states import State
from tidings.core.ids import OrgId, WebhookId

ORG = OrgId(7)
AT = "/console/o/7/webhooks"


def id_of(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


async def waiting(p: Pages, name: str, at: int, org: int = 7) -> WebhookId:
    """A webhook for which a delivery waits."""
    webhook, number = await p.webhook(org, name=name)
    (delivery,) = await accept(p.s, id_of(at), [number], org=org)
    await settle(p.s, delivery, number, State.RETRYING, status=503)
    return webhook


async def test_those_that_are_marked_in_the_list_are_drained_and_no_others() -> None:
    async with pages() as p:
        browser = await p.browser()
        await p.s.add_org(8)
        crm, shop, till = [await waiting(p, name, at) for at, name in enumerate(("a", "b", "c"))]
        idle, _ = await p.webhook(name="idle")
        theirs = await waiting(p, "theirs", 9, org=8)
        page = text(await browser.get(AT))
        for webhook in (crm, shop, till):
            assert f'type="checkbox" name="id" value="{webhook}"' in page
        assert f'name="id" value="{idle}"' not in page, "nothing waits there"
        await p.s.webhooks.change_status(ORG, shop, "pause", "tests")
        gone = await browser.post(f"{AT}/drain", {"id": [crm, shop, theirs]})
        assert gone.status == 303
        drains = p.s.parts.delivery.drains
        records = [*p.s.webhooks.list(ORG), *p.s.webhooks.list(OrgId(8))]
        begun = {state.webhook.id for state in records if drains.of(state.webhook) is not None}
        assert begun == {crm}, "of this org, active and marked"
        nothing = await browser.post(f"{AT}/drain", {})
        assert nothing.status == 303
        reader = await p.browser(scopes="webhooks:read logs:read")
        assert 'name="id"' not in text(await reader.get(AT)), "it takes replay:write"


async def test_a_test_of_what_is_not_saved_offers_to_save_and_drain() -> None:
    async with pages() as p:
        browser = await p.browser()
        webhook = await waiting(p, "Acme CRM", 1)
        part = text(await browser.post(f"{AT}/inbox", FORM, hx_request="true"))
        found = re.search(r'name="webHookUrl"[^>]* value="([^"]*)"', part)
        assert found is not None
        mended = FORM | {"webHookUrl": unescape(found[1])}
        tested = text(await browser.post(f"{AT}/test", mended, hx_request="true"))
        assert "Save and drain" not in tested, "a new one has nothing that waits"
        p.s.clock.ms += 1_000
        form = mended | {"webhook": webhook}
        tested = text(await browser.post(f"{AT}/test", form, hx_request="true"))
        assert 'form="webhook" name="drain" value="yes">Save and drain' in tested
        assert "1 queued, about 1 s" in tested
        assert (await browser.post(f"{AT}/{webhook}/edit", mended | {"drain": "yes"})).status == 303
        record = p.s.webhooks.get(ORG, webhook)
        assert record.webhook.url == mended["webHookUrl"]
        assert p.s.parts.delivery.drains.of(record.webhook) is not None


async def test_a_page_that_watched_a_drain_over_a_restart_says_that_it_is_not_known_any_more() -> (
    None
):
    async with pages() as p:
        browser = await p.browser()
        webhook = await waiting(p, "Acme CRM", 1)
        part = text(await browser.get(f"{AT}/{webhook}/drain", hx_request="true"))
        assert LOST_SIGHT not in part, "nobody has watched one"
        part = text(await browser.get(f"{AT}/{webhook}/drain?watched=1", hx_request="true"))
        assert LOST_SIGHT in part and "every 1s" not in part, "it asks no more"
        assert "Try now and drain" in part, "and offers the rest"
        assert (await browser.post(f"{AT}/{webhook}/drain")).status == 303
        part = text(await browser.get(f"{AT}/{webhook}/drain?watched=1", hx_request="true"))
        assert LOST_SIGHT not in part and "drain?watched=1" in part
