"""Without the scope to read logs nobody is shown what stored events say: on no page, in no answer
to a form, and in no test message."""

from typing import Any

from tests.api.log_client import accept, settle
from tests.console.crawl import furnish, walk
from tests.console.webhook_client import FORM, Browser, Pages, pages, text
from tests.engine.audit.kept_log import entries_of
from tidings.core.access.scopes import RESOURCES
from tidings.core.delivery.states import State
from tidings.core.ids import OrgId

ORG = OrgId(7)
BASE = f"/console/o/{ORG}"
CUSTOMER = "zqcustomer-99417"
ALL_BUT_LOGS = " ".join(f"{resource}:write" for resource in RESOURCES if resource != "logs")
CONDITION = {
    "filterAs": "rows",
    "conditionsJoined": "all",
    "conditionsJoined0": "all",
    "conditionGroup": "0",
    "conditionPath": "data.customerIdentifiers.customerId",
    "conditionOperator": "eq",
    "conditionValue": CUSTOMER[:9],
}
LEAVES_OUT = ("sign-out", "/sessions", "/delete", "/rotate")  # it would see nothing any more


async def shown(p: Pages, browser: Browser, webhook: str) -> dict[str, str]:
    """What the pages of the org say, and the answers to all forms that stand there."""
    walked = await walk(browser, BASE, BASE)
    found = {at: text(await browser.get(at)) for at in walked}
    asked: dict[str, dict[str, Any]] = {
        f"{BASE}/webhooks/preview": FORM,
        f"{BASE}/webhooks/test": FORM,
        f"{BASE}/webhooks/{webhook}/test": {},
        f"{BASE}/webhooks/filter/matches": FORM | CONDITION,
        f"{BASE}/webhooks/filter/values/0": FORM | CONDITION,
        f"{BASE}/transformations/short/edit": {
            "do": "try", "template": '{"who": {{ data.customerIdentifiers.customerId }}}',
            "webhook": webhook, "version": "1",
        },
        f"{BASE}/actions/welcome/test": {"event": "newest"},
        f"{BASE}/actions/welcome/mail": {"event": "newest"},
    }  # fmt: skip
    asked |= {
        form.action: form.fields
        for seen in walked.values()
        for form in seen.forms
        if form.post and form.action not in asked
    }
    for at, fields in asked.items():
        if not any(word in at for word in LEAVES_OUT):
            p.s.clock.ms += 2000
            found[f"POST {at}"] = text(await browser.post(at, fields))
    return found


async def fill(p: Pages) -> str:
    """An org whose newest events are of one customer; a webhook of theirs."""
    known = await furnish(p, ORG, "Acme")
    for number, name in enumerate(("pointsIssued", "customerAdded")):
        (delivery,) = await accept(
            p.s, f"e-{number}", [known.number], org=ORG, name=name, customer=CUSTOMER
        )
        await settle(p.s, delivery, known.number, State.FAILED, status=503)
    return known.webhook


async def test_nobody_sees_a_stored_event_without_the_scope_to_read_logs() -> None:
    async with pages() as p:
        webhook = await fill(p)
        browser = await p.browser(ORG, ALL_BUT_LOGS)
        found = await shown(p, browser, webhook)
        assert len(found) > 60
        assert [at for at, page in found.items() if CUSTOMER in page] == []
        await p.s.parts.running.views.write()
        seen = [change.object_kind for change in entries_of(p.s.store, ORG)
                if change.action == "payload.viewed"]  # fmt: skip
        assert {"event", "delivery", "rejection"}.isdisjoint(seen)


async def test_who_has_the_scope_sees_it_at_each_of_these_places() -> None:
    async with pages() as p:
        webhook = await fill(p)
        found = await shown(p, await p.browser(ORG), webhook)
        where = {at for at, page in found.items() if CUSTOMER in page}
        for path in ("webhooks/preview", f"webhooks/{webhook}/test", "webhooks/filter/values/0",
                     "transformations/short/edit"):  # fmt: skip
            assert f"POST {BASE}/{path}" in where, path


async def test_a_preview_without_the_scope_is_of_the_example_and_says_so() -> None:
    async with pages() as p:
        await fill(p)
        browser = await p.browser(ORG, "webhooks:write")
        page = text(await browser.post(f"{BASE}/webhooks/preview", FORM))
        assert "takes the scope logs:read" in page and "the example of pointsIssued" in page
        assert "No such event has come yet" not in page
