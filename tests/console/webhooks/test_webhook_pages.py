"""The list of webhooks, one of them, and what is done to it: said first, done once, and only by who
may."""

import re

import pytest

from tests.api.log_client import accept, settle
from tests.console.webhook_client import pages, text
from tidings.console.pages.charts import charts
from tidings.console.pages.webhooks.webhooks import answers_of
from tidings.core.delivery.receivers.attempt_share import Share
from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import OrgId
from tidings.store import port

ORG = OrgId(7)

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}"


def id_of(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


async def test_the_list_says_how_each_webhook_does() -> None:
    async with pages() as p:
        browser = await p.browser()
        assert "No webhook yet" in text(await browser.get("/console/o/7/webhooks"))
        webhook, number = await p.webhook()
        for at in range(3):
            (delivery,) = await accept(p.s, id_of(at), [number], org=7)
            await settle(p.s, delivery, number)
        (delivery,) = await accept(p.s, id_of(9), [number], org=7)
        await settle(p.s, delivery, number, State.FAILED, status=400)
        page = text(await browser.get("/console/o/7/webhooks"))
        assert f"/console/o/7/webhooks/{webhook}" in page and "75 %" in page
        assert "3 of 4 delivered" in page, "the sparkline in words"
        assert 'class="good"' in page and 'class="bad"' in page
        p.healths[number] = port.StoredHealth(number, p.s.clock.ms, 3, "timeout")
        assert "does not answer in time" in text(await browser.get("/console/o/7/webhooks"))
        assert "No webhook matches" in text(await browser.get("/console/o/7/webhooks?q=nothing"))


async def test_one_webhook_shows_its_health_its_deliveries_and_its_secrets_by_four_characters() -> (
    None
):
    async with pages() as p:
        browser = await p.browser()
        headers = {"Authorization": "Bearer 0123456789abcdef"}
        webhook, number = await p.webhook(webHookHeaders=headers)
        record = p.s.webhooks.get(ORG, webhook)
        (delivery,) = await accept(p.s, id_of(1), [number], org=7)
        await settle(p.s, delivery, number, State.RETRYING, status=503)
        p.healths[number] = port.StoredHealth(number, p.s.clock.ms, 1, "503")
        page = text(await browser.get(f"/console/o/7/webhooks/{webhook}"))
        assert "answers 503 since" in page and "1 waiting; next try" in page
        assert "/console/o/7/deliveries/dlv_" in page
        assert "…cdef" in page and "0123456789" not in page
        assert record.webhook.secrets[0].hex() not in page
        assert re.search(r"<td>503</td><td class=\"n\">1</td>", page), "answers by status"
        assert "The answers to 1 attempt of the deliveries since" in page


async def test_one_that_fails_in_part_says_with_what_how_much_and_since_when() -> None:
    async with pages() as p:
        browser = await p.browser()
        webhook, number = await p.webhook()
        for cause, does in (
            ("503", "answers 503 to 15 % of its attempts (30 of 200) since"),
            ("timeout", "does not answer in time in 15 % of its attempts (30 of 200) since"),
        ):
            share = Share(200, 30, cause, p.s.clock.ms - 9000)
            p.healths[number] = port.StoredHealth(number, share.since_ms, 0, cause, share=share)
            page = text(await browser.get(f"/console/o/7/webhooks/{webhook}"))
            assert does in page
            assert does[:-6] in text(await browser.get("/console/o/7/webhooks"))


async def test_answers_by_status_count_all_of_the_time_and_what_got_no_answer() -> None:
    """Each attempt once, by its answer; what was never tried is not counted."""
    async with pages() as p:
        browser = await p.browser()
        webhook, number = await p.webhook()
        said = [200] * 230 + [204] * 7 + [503] * 3 + [None] * 2
        for at, status in enumerate(said):
            (delivery,) = await accept(p.s, id_of(at), [number], org=7)
            good = status is not None and status < 300
            await settle(
                p.s,
                delivery,
                number,
                State.DELIVERED if good else State.RETRYING,
                status=status,
            )
        await accept(p.s, id_of(900), [number], org=7)
        page = text(await browser.get(f"/console/o/7/webhooks/{webhook}?span=1h"))
        shown = re.findall(r"<td>([^<]*)</td><td class=\"n\">([0-9,]*)</td><td><meter", page)
        assert shown == [("200", "230"), ("204", "7"), ("503", "3"), ("no answer", "2")]
        assert "The answers to 242 attempts of the deliveries since" in page
        p.s.clock.ms += 2 * 3_600_000
        page = text(await browser.get(f"/console/o/7/webhooks/{webhook}?span=1h"))
        assert "Nothing was sent in this period." in page
        page = text(await browser.get(f"/console/o/7/webhooks/{webhook}?span=7d"))
        assert "The answers to 242 attempts of the deliveries since" in page


async def test_totals_are_shown_over_the_days_that_the_original_offers() -> None:
    async with pages() as p:
        browser = await p.browser()
        webhook, number = await p.webhook()
        now_ms = p.s.clock.ms
        for at, days in enumerate((40, 20, 10, 5, 2, 0.5)):
            p.s.clock.ms = now_ms - int(days * 86_400_000)
            (delivery,) = await accept(p.s, id_of(at), [number], org=7)
            state = State.DELIVERED if at % 2 else State.FAILED
            await settle(p.s, delivery, number, state, status=200 if at % 2 else 400)
        p.s.clock.ms = now_ms
        path = f"/console/o/7/webhooks/{webhook}"
        page = text(await browser.get(path))
        spans = ("24h", "3d", "7d", "15d", "30d")
        assert all(f'href="{path}?span={span}"' in page for span in spans)
        card = "<span>{}</span><b>{}</b>"
        for count, span in enumerate(spans, 1):
            page = text(await browser.get(f"{path}?span={span}"))
            failed = count // 2
            assert card.format("Deliveries", count) in page, span
            assert card.format("Delivered", count - failed) in page, span
            assert card.format("Never arrived", failed) in page, span


async def test_charts_and_answers_are_of_the_same_time_also_in_its_first_step() -> None:
    async with pages() as p:
        browser = await p.browser()
        webhook, number = await p.webhook()
        (delivery,) = await accept(p.s, id_of(1), [number], org=7)
        await settle(p.s, delivery, number, State.DELIVERED, status=200)
        p.s.clock.ms += 3_600_000 + 120_000  # an hour and two minutes: the step is of five
        page = text(await browser.get(f"/console/o/7/webhooks/{webhook}?span=1h"))
        assert "The answers to 1 attempt of the deliveries since" in page


def test_answers_beyond_the_first_few_stand_in_one_line() -> None:
    counts = {status: 100 - at for at, status in enumerate(range(400, 415))} | {0: 500}
    shown = answers_of(counts)
    assert len(shown) == 13 and shown[0] == ("no answer", 500, "bad")
    assert shown[-1] == ("4 others", sum(sorted(counts.values())[:4]), "faint")
    assert sum(count for _, count, _ in shown) == sum(counts.values())


def test_an_error_rate_of_nothing_failed_is_drawn_and_one_of_nothing_tried_is_not() -> None:
    good = port.Point(0, {int(State.DELIVERED): 3})
    nothing = port.Point(300_000, {})
    assert not charts.error_rate(port.Series(300_000, [good, nothing])).empty
    assert charts.error_rate(port.Series(300_000, [nothing])).empty
    assert charts.deliveries(port.Series(300_000, [nothing])).empty


@pytest.mark.parametrize(
    "path", ["", "/edit", "/rotate", "/delete"], ids=["page", "edit", "rotate", "delete"]
)
async def test_a_webhook_of_another_org_answers_like_none(path: str) -> None:
    async with pages() as p:
        browser = await p.browser()
        await p.browser(8)
        foreign, _ = await p.webhook(8)
        answer = await browser.get(f"/console/o/7/webhooks/{foreign}{path}")
        nothing = await browser.get(f"/console/o/7/webhooks/{'0' * 24}{path}")
        assert answer.status == nothing.status == 404
        assert text(answer).replace(foreign, "") == text(nothing).replace("0" * 24, "")
        for action in ("say", "rotate", "delete", "edit", "test"):
            form = {"verb": "pause", "sure": "yes"}
            done = await browser.post(f"/console/o/7/webhooks/{foreign}/{action}", form)
            assert done.status == 404
        assert p.s.webhooks.get(OrgId(8), foreign).webhook.status is WebhookStatus.ACTIVE
        copied = await browser.get(f"/console/o/7/webhooks/new?from={foreign}")
        assert copied.status == 404


async def test_who_may_only_read_is_offered_no_change_and_refused_one() -> None:
    async with pages() as p:
        browser = await p.browser(7, "webhooks:read logs:read")
        webhook, _ = await p.webhook()
        page = text(await browser.get(f"/console/o/7/webhooks/{webhook}"))
        assert "Delete" not in page and "Disable" not in page and "Edit" not in page
        assert "New webhook" not in text(await browser.get("/console/o/7/webhooks"))
        for path in ("new", f"{webhook}/edit", f"{webhook}/delete"):
            assert (await browser.get(f"/console/o/7/webhooks/{path}")).status == 403
        for path in ("new", "test", "preview", "inbox", f"{webhook}/say", f"{webhook}/delete"):
            assert (await browser.post(f"/console/o/7/webhooks/{path}")).status == 403


async def test_a_change_without_the_sessions_token_is_refused() -> None:
    async with pages() as p:
        browser = await p.browser()
        webhook, _ = await p.webhook()
        form = {"csrf": "another", "verb": "pause"}
        assert (await browser.post(f"/console/o/7/webhooks/{webhook}/say", form)).status == 403
        assert p.s.webhooks.get(ORG, webhook).webhook.status is WebhookStatus.ACTIVE


async def test_pausing_and_resuming_are_done_at_once_disabling_after_a_word_of_warning() -> None:
    async with pages() as p:
        browser = await p.browser()
        webhook, number = await p.webhook()
        await accept(p.s, id_of(1), [number], org=7)
        await accept(p.s, id_of(2), [number], org=7)
        at = f"/console/o/7/webhooks/{webhook}"

        def standing() -> WebhookStatus:
            return p.s.webhooks.get(ORG, webhook).webhook.status

        assert (await browser.post(f"{at}/say", {"verb": "pause"})).status == 303
        assert standing() is WebhookStatus.PAUSED
        assert "2 waiting until it is resumed" in text(await browser.get(at))
        await browser.post(f"{at}/say", {"verb": "resume"})
        assert standing() is WebhookStatus.ACTIVE
        asked = text(await browser.post(f"{at}/say", {"verb": "disable"}))
        assert "2 unfinished deliveries are parked" in asked
        assert standing() is WebhookStatus.ACTIVE, "nothing is done yet"
        await browser.post(f"{at}/say", {"verb": "disable", "sure": "yes"})
        assert standing() is WebhookStatus.DISABLED
        await p.s.webhooks.retired()
        again = await browser.post(f"{at}/say", {"verb": "pause"})
        assert again.status == 409 and "must be active" in text(again)


async def test_deleting_says_first_what_it_does() -> None:
    async with pages() as p:
        browser = await p.browser()
        webhook, number = await p.webhook()
        await accept(p.s, id_of(1), [number], org=7)
        at = f"/console/o/7/webhooks/{webhook}"
        asked = text(await browser.get(f"{at}/delete"))
        assert "1 unfinished delivery is cancelled" in asked and "1 deliveries" in asked
        assert "?" in text(await browser.post(f"{at}/delete")), "without a word it asks again"
        assert p.s.webhooks.get(ORG, webhook).webhook.status is WebhookStatus.ACTIVE
        assert (await browser.post(f"{at}/delete", {"sure": "yes"})).status == 303
        assert p.s.webhooks.get(ORG, webhook).webhook.status is WebhookStatus.DELETED
        assert webhook not in text(await browser.get("/console/o/7/webhooks"))
        assert webhook in text(await browser.get("/console/o/7/webhooks?show=deleted"))
        assert "is deleted: nothing is sent" in text(await browser.get(at))
        assert (await browser.get(f"{at}/edit")).status == 404


async def test_a_rotated_secret_is_shown_once() -> None:
    async with pages() as p:
        browser = await p.browser()
        webhook, _ = await p.webhook()
        at = f"/console/o/7/webhooks/{webhook}"
        wrong = await browser.post(f"{at}/rotate", {"overlapInHours": "1000"})
        assert wrong.status == 400 and "from 0 to 720" in text(wrong)
        made = text(await browser.post(f"{at}/rotate", {"overlapInHours": "2"}))
        (secret,) = set(re.findall(r"whsec_[A-Za-z0-9+/=]{40,}", made.replace("&#43;", "+")))
        page = text(await browser.get(at))
        assert secret not in page and f"…{secret[-4:]}" in page
        assert page.count("until <time") == 1, "the old one signs on for a while"


async def test_what_strangers_wrote_is_shown_and_never_run() -> None:
    async with pages() as p:
        browser = await p.browser()
        webhook, number = await p.webhook(
            name=HOSTILE,
            webHookUrl=f"https://crm.example.com/{HOSTILE}",
            webHookHeaders={"X-Note": HOSTILE},
            filter={"path": "data.x", "eq": HOSTILE},
            rename={"data.totalPointsIssued": "<b>"},
        )
        await p.s.webhooks.change_status(ORG, webhook, "disable", HOSTILE)
        await accept(p.s, id_of(1), [number], org=7)
        at = f"/console/o/7/webhooks/{webhook}"
        for path in ("/console/o/7", "/console/o/7/webhooks", at, f"{at}/edit", f"{at}/delete"):
            page = text(await browser.get(path))
            assert "<script>alert" not in page and "<img" not in page.split("</header>")[1]
            assert "{{7*7}}" in page or path == "/console/o/7"
        form = {"name": HOSTILE, "webHookUrl": HOSTILE, "filter": HOSTILE, "rename": HOSTILE}
        for path in ("new", "preview", "test", "check", "inbox"):
            page = text(await browser.post(f"/console/o/7/webhooks/{path}", form))
            assert "<script>alert" not in page and "<img src=x" not in page, path
        found = text(await browser.get("/console/o/7/webhooks?q=%3Cscript%3Ealert"))
        assert "<script>alert" not in found


async def test_what_waits_is_offered_to_be_drained_and_the_page_shows_how_that_goes() -> None:
    async with pages() as p:
        browser = await p.browser()
        webhook, number = await p.webhook()
        at = f"/console/o/7/webhooks/{webhook}"
        assert "drain" not in text(await browser.get(at)).lower(), "nothing waits"
        for count in range(2):
            (delivery,) = await accept(p.s, id_of(count), [number], org=7)
            await settle(p.s, delivery, number, State.RETRYING, status=503)
        page = text(await browser.get(at))
        assert "2 queued, about 1 s." in page and "Try now and drain" in page
        assert (await browser.post(f"{at}/drain")).status == 303
        page = text(await browser.get(at))
        assert "Trying one delivery; 2 queued." in page and 'hx-trigger="every 1s"' in page
        part = await browser.get(f"{at}/drain", **{"hx-request": "true"})
        assert text(part).lstrip().startswith("<section") and "Drained" in text(part)
        reader = await p.browser(scopes="webhooks:read logs:read")
        page = text(await reader.get(at))
        assert "Trying one" in page and "Try now and drain" not in page, "it takes replay:write"
