"""What fails over all orgs, on one page of the operator; exactly what is named is paused."""

import html
import re
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.api.log_client import accept
from tests.api.v1.webhooks.failing_webhooks import HOSTILE, fail, webhook
from tests.console.crawl import Seen
from tests.console.webhook_client import Browser, Pages, pages, text
from tests.engine.audit.kept_log import entries_of
from tidings.api.cells.failing import CHANGED, NAMED_MAX, NO_INCIDENT, RECOVERED
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import OrgId

AT = "/console/failing"
HOST = "https://api.acme.example/"


@asynccontextmanager
async def failing_pages() -> AsyncIterator[Pages]:
    """A service whose receivers do as its health tracker has it."""
    async with pages() as p:
        del p.s.parts.delivery.engine.healths.shown
        yield p


def words(page: str) -> str:
    """What is read of a page."""
    shown = re.sub(r"<(head|header|nav).*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", shown)).split())


async def named_by(boss: Browser, at: int = 0) -> list[str]:
    """The webhooks that the form of a group names."""
    form = [form for form in Seen(text(await boss.get(AT))).forms if "named" in form.fields][at]
    return form.fields["named"]


async def three(p: Pages) -> list[int]:
    """One receiver that refuses connections, of three orgs."""
    numbers = []
    for org in (7, 8, 9):
        await p.s.add_org(org)
        numbers.append(await webhook(p.s, org, HOST, name=f"CRM of {org}"))
        fail(p.s, numbers[-1])
    return numbers


async def test_what_fails_in_several_orgs_is_one_sentence_kept_current() -> None:
    async with failing_pages() as p:
        boss = await p.platform()
        assert "Nothing fails." in words(text(await boss.get(AT)))
        await three(p)
        page = text(await boss.get(AT))
        assert "3 webhooks of 3 orgs at api.acme.example have been refusing connections" in words(
            page
        )
        assert 'data-fresh="5"' in page and 'hx-trigger="every 2s"' in page
        part = text(await boss.get(f"{AT}?part=now", hx_request="true"))
        assert "<h1" not in part and "3 webhooks of 3 orgs" in words(part)
        assert "/console/o/8/webhooks/" in part
        orgs = text(await boss.get("/console/orgs"))
        assert AT in orgs and "3 webhooks of 3 orgs fail" in words(orgs)
        assert AT in text(await boss.get("/console/o/7"))


async def test_who_is_no_operator_sees_nothing_of_it() -> None:
    async with failing_pages() as p:
        await three(p)
        browser = await p.browser()
        assert (await browser.get(AT)).status == 403
        assert (await browser.post(AT, {"do": "pause", "named": "8.x.1"})).status == 403
        for path in ("/console/orgs", "/console/o/7"):
            assert AT not in text(await browser.get(path))


@pytest.mark.parametrize(
    ("verb", "status"), [("pause", WebhookStatus.PAUSED), ("disable", WebhookStatus.DISABLED)]
)
async def test_exactly_what_is_named_is_paused_or_stopped_once_that_was_asked(
    verb: str, status: WebhookStatus
) -> None:
    async with failing_pages() as p:
        boss, numbers = await p.platform(), await three(p)
        named = await named_by(boss)
        later = await webhook(p.s, 9, HOST, name="came later")
        fail(p.s, later)
        sure = await boss.post(AT, {"do": verb, "named": named})
        assert sure.status == 200 and text(sure).count(" checked>") == 3
        assert "CRM of 8 of Org 8 (8)" in words(text(sure))
        assert p.s.webhooks.at(numbers[0]).webhook.status is WebhookStatus.ACTIVE
        done = await boss.post(AT, {"do": verb, "step": "start", "named": named})
        assert done.status == 303 and done.headers["location"] == AT
        assert {p.s.webhooks.at(number).webhook.status for number in numbers} == {status}
        assert p.s.webhooks.at(later).webhook.status is WebhookStatus.ACTIVE
        for org in (7, 8, 9):
            entry = entries_of(p.s.store, org)[-1]
            assert (entry.actor, entry.face, entry.action) == ("boss", "console", "webhook.changed")


async def test_exactly_what_is_named_is_tried_now_and_drained() -> None:
    async with failing_pages() as p:
        boss, numbers = await p.platform(), await three(p)
        named = await named_by(boss)
        later = await webhook(p.s, 9, HOST, name="came later")
        fail(p.s, later)
        assert "all that waits follows" in words(
            text(await boss.post(AT, {"do": "drain", "named": named}))
        )
        done = await boss.post(AT, {"do": "drain", "step": "start", "named": named})
        assert done.status == 303
        drains = p.s.parts.delivery.drains
        assert all(drains.of(p.s.webhooks.at(number).webhook) is not None for number in numbers)
        assert drains.of(p.s.webhooks.at(later).webhook) is None
        for org in (7, 8, 9):
            entry = entries_of(p.s.store, org)[-1]
            assert (entry.actor, entry.face, entry.action) == ("boss", "console", "webhook.drained")


async def test_exactly_what_is_named_is_acknowledged_with_a_note_that_others_see() -> None:
    async with failing_pages() as p:
        boss, numbers = await p.platform(), await three(p)
        named = await named_by(boss)
        form = {"do": "acknowledge", "step": "start", "named": named, "note": "<b>BSP-31</b>"}
        early = await boss.post(AT, form)
        assert early.status == 409 and words(text(early)).count(NO_INCIDENT) == 3
        await p.s.parts.delivery.incidents.load()
        await p.s.parts.delivery.incidents.review()
        sure = text(await boss.post(AT, {"do": "acknowledge", "named": named}))
        assert 'name="note"' in sure and "Nothing else changes" in words(sure)
        two = {**form, "named": named[:2]}
        assert (await boss.post(AT, {**two, "note": "x" * 501})).status == 400
        assert (await boss.post(AT, two)).status == 303
        page = text(await boss.get(AT))
        assert words(page).count("by boss: <b>BSP-31</b>") == 2 and "<b>BSP-31" not in page
        own = p.s.webhooks.at(numbers[0]).webhook
        shown = words(text(await boss.get(f"/console/o/7/webhooks/{own.id}")))
        assert "by boss: <b>BSP-31</b>" in shown
        last = p.s.parts.delivery.incidents.of(numbers[2])
        assert [incident.acknowledged_by for incident in last] == [""]
        for org in (7, 8):
            entry = entries_of(p.s.store, org)[-1]
            known = (entry.actor, entry.face, entry.action)
            assert known == ("boss", "console", "incident.acknowledged")


async def test_what_has_changed_or_recovered_since_is_refused_by_name_and_the_rest_is_done() -> (
    None
):
    async with failing_pages() as p:
        boss, (well, changed, left) = await p.platform(), await three(p)
        named = await named_by(boss)
        p.s.parts.delivery.engine.healths.good(well)
        record = p.s.webhooks.at(changed)
        body = {"webHookUrl": "https://api.acme.example/v2"}
        await p.s.webhooks.replace(OrgId(8), record.webhook.id, body, "tests")
        sure = words(text(await boss.post(AT, {"do": "pause", "named": named})))
        assert "it is no longer failing" in sure
        done = await boss.post(AT, {"do": "pause", "step": "start", "named": named})
        assert done.status == 409
        shown = words(text(done))
        assert "Paused 1 webhook." in shown and RECOVERED in shown and CHANGED in shown
        statuses = [p.s.webhooks.at(number).webhook.status for number in (well, changed, left)]
        assert statuses == [WebhookStatus.ACTIVE, WebhookStatus.ACTIVE, WebhookStatus.PAUSED]


@pytest.mark.parametrize(
    "form",
    [
        {"do": "explode", "named": f"7.{'a' * 24}.1"},
        {"do": "pause"},
        {"do": "pause", "named": "7.x.1"},
        {"do": "pause", "named": [f"7.{number:024x}.1" for number in range(NAMED_MAX + 1)]},
    ],
)
async def test_a_form_of_another_page_does_nothing(form: dict[str, str]) -> None:
    async with failing_pages() as p:
        boss, numbers = await p.platform(), await three(p)
        assert (await boss.post(AT, form | {"step": "start"})).status == 400
        assert {p.s.webhooks.at(number).webhook.status for number in numbers} == {
            WebhookStatus.ACTIVE
        }


async def test_hostile_names_are_text_and_no_url_is_shown() -> None:
    async with failing_pages() as p:
        boss = await p.platform()
        await p.s.add_org(7)
        await p.s.call("PATCH", "/v1/orgs/7", {"name": HOSTILE})
        host = ".".join(["a" * 62] * 3 + ["b" * 60])
        fail(p.s, await webhook(p.s, 7, f"https://{host}/s3cret", name=HOSTILE))
        for page in (
            text(await boss.get(AT)),
            text(await boss.post(AT, {"do": "pause", "named": await named_by(boss)})),
        ):
            assert "<script>alert" not in page and "&lt;script&gt;" in page
            assert "s3cret" not in page
        assert host in text(await boss.get(AT))


WITHIN_S, BYTES_MAX = 0.2, 150_000


@pytest.mark.systems  # for what it takes to make them
async def test_a_thousand_webhooks_of_two_hundred_orgs_are_one_page_of_three_groups() -> None:
    """31 are dead, on three hosts, with 200 deliveries that wait for each."""
    async with failing_pages() as p:
        boss = await p.platform()
        for org in range(100, 300):
            await p.s.orgs.create(f"Brand {org}", org)
        dead = []
        for number in range(1000):
            host = f"host{number % 3}.example" if number < 31 else f"fine{number}.example"
            url = f"https://{host}/hook"
            made = await webhook(p.s, 100 + number % 200, url, name=f"hook {number}")
            if number < 31:
                fail(p.s, made, ("refused", "503", "timeout")[number % 3])
                dead.append(made)
        for number in range(200):
            await accept(p.s, f"00000000-0000-4000-8000-{number:012}", dead, org=100)
        times, page = [], ""
        for _ in range(12):
            began_s = time.thread_time()  # of this thread alone, which does all of it
            page = text(await boss.get(AT))
            times.append(time.thread_time() - began_s)
        assert statistics.median(times) <= WITHIN_S, times
        assert len(page.encode()) <= BYTES_MAX
        shown = words(page)
        assert "31 webhooks of 31 orgs fail; 6,200 deliveries wait" in shown
        assert page.count("<section") == 3 and page.count("/webhooks/") == 31
        assert "11 webhooks of 11 orgs at host0.example have been refusing connections" in shown
        assert "10 webhooks of 10 orgs at host1.example have been answering 503" in shown
        assert "10 webhooks of 10 orgs at host2.example have not answered in time" in shown
