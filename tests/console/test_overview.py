"""The overview: what it counts, what it puts first, and what it says before there is anything."""

import re
from collections.abc import Sequence
from datetime import datetime

import pytest

from tests.api.log_client import accept, settle
from tests.console.webhook_client import pages, text
from tidings.core.delivery.states import State
from tidings.core.ids import OrgId
from tidings.store import port


def id_of(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def card(page: str, name: str) -> str:
    """What a card says under its name."""
    found = re.search(rf"<span>{name}</span><b>([^<]*)</b>", page)
    assert found is not None, name
    return found[1]


def drawn(page: str, title: str) -> list[float]:
    """The values of a chart's first line, as its table has them, without the steps that have
    none."""
    [section] = re.findall(rf"<h3[^>]*>{title}</h3>(.*?)</section>", page, re.DOTALL)
    cells = re.findall(r'</time></td><td class="n">(?:<a[^>]*>)?([^<]*)<', section)
    return [float(cell.removesuffix(" %")) for cell in cells if cell != "–"]


async def test_before_the_first_event_it_says_how_to_send_one_and_turns_live_by_itself() -> None:
    async with pages() as p:
        browser = await p.browser()
        first = text(await browser.get("/console/o/7"))
        assert "Waiting for your first event" in first
        assert "/v1/events" in first and "curl" in first and "TIDINGS_KEY" in first
        quiet = await browser.get("/console/o/7?part=first", hx_request="true")
        assert quiet.status == 204 and "hx-redirect" not in quiet.headers
        await accept(p.s, id_of(1), org=7)
        live = await browser.get("/console/o/7?part=first", hx_request="true")
        assert live.headers["hx-redirect"] == "/console/o/7"
        assert "Waiting for your first event" not in text(await browser.get("/console/o/7"))


async def test_it_counts_what_came_in_and_what_became_of_it() -> None:
    async with pages() as p:
        browser = await p.browser()
        _, number = await p.webhook(slaInSeconds=1)
        states = [State.DELIVERED] * 3 + [State.FAILED, State.RETRYING]
        for at, state in enumerate(states):
            (delivery,) = await accept(p.s, id_of(at), [number], org=7)
            status = 200 if state is State.DELIVERED else 503
            await settle(p.s, delivery, number, state, status=status)
        await accept(p.s, id_of(90), [number], org=7)
        await accept(p.s, id_of(91), [], org=7)
        p.s.clock.ms += 5000
        for span in ("1h", "24h", "3d", "7d", "15d", "30d"):
            page = text(await browser.get(f"/console/o/7?span={span}"))
            assert card(page, "Events in") == "7"
            assert card(page, "Delivered") == "3"
            assert card(page, "Attempts failed") == "2"
            assert card(page, "Never arrived") == "1", "what is retried may still arrive"
            assert card(page, "Waiting now") == "2"
            assert card(page, "SLA breaches") == "2", "what waits is late by the clock"
        titles = re.findall(r'<h3 id="c-[^"]*">([^<]*)</h3>', page)
        assert titles[:2] == ["Events in", "Deliveries"]
        assert sum(drawn(page, "Events in")) == 7
        pictures = page.count('<svg class="picture"')
        assert page.count("As a table") == pictures > 2, "each chart can be read"


async def test_what_needs_attention_stands_first_each_with_its_action() -> None:
    async with pages() as p:
        browser = await p.browser()
        failing, number = await p.webhook()
        paused, _ = await p.webhook(name="Shop <i>")
        now = p.s.clock.ms
        p.healths[number] = port.StoredHealth(number, now - 60_000, 12, "503", 1, now + 41_000)
        await accept(p.s, id_of(1), [number], org=7)
        await accept(p.s, id_of(2), [number], org=7)
        await p.s.webhooks.change_status(OrgId(7), paused, "pause", "tests")
        refused = port.NewRejection(OrgId(7), "pointsIssued", "", "schema", "A <b> fault.", "", b"")
        await p.s.store.commit(port.Batch(p.s.registry.version, rejections=[refused]))
        page = text(await browser.get("/console/o/7"))
        assert "<b>Acme CRM</b> answers 503 since" in page
        assert "; 2 waiting; next try" in page
        assert f'href="/console/o/7/webhooks/{failing}"' in page
        assert "A &lt;b&gt; fault." in page and "See the reasons" in page
        part = text(await browser.get("/console/o/7?part=now", hx_request="true"))
        assert "answers 503" in part and "<html" not in part


async def test_what_waits_for_dead_receivers_counts_as_failing() -> None:
    """Seven of twelve are dead: of 60 deliveries 35 cannot arrive, though hardly one was tried."""
    async with pages() as p:
        browser = await p.browser()
        made = [await p.webhook(name=f"Hook {at}") for at in range(12)]
        now, at = p.s.clock.ms, 0
        for order, (_, number) in enumerate(made):
            dead = order < 7
            if dead:
                p.healths[number] = port.StoredHealth(number, now, 12, "503", 1, now + 41_000)
            for turn in range(5):
                (delivery,) = await accept(p.s, id_of(at), [number], org=7)
                at += 1
                if not dead:
                    await settle(p.s, delivery, number, State.DELIVERED, status=200)
                elif not turn:
                    await settle(p.s, delivery, number, State.RETRYING, status=503)
        p.s.clock.ms += 1000
        page = text(await browser.get("/console/o/7"))
        assert card(page, "Attempts failed") == "35"
        assert "58.3 % of 60, 28 of them are queued until the receiver responds" in page
        assert drawn(page, "Error rate") == [58.33]
        one = text(await browser.get(f"/console/o/7/webhooks/{made[0][0]}"))
        assert card(one, "Attempts failed") == "5"
        assert "100 % of 5, 4 of them are queued" in one and drawn(one, "Error rate") == [100.0]
        well = text(await browser.get(f"/console/o/7/webhooks/{made[11][0]}"))
        assert card(well, "Attempts failed") == "0" and "of them are queued" not in well
        assert drawn(well, "Error rate") == [0.0]
        listed = text(await browser.get("/console/o/7/webhooks"))
        assert listed.count('data-label="Attempts failed" class="n">100 %') == 7
        assert listed.count('data-label="Attempts failed" class="n">0 %') == 5


async def test_of_many_dead_receivers_one_series_is_read_and_none_where_nothing_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One of each cost the overview of twenty dead ones three times as much as all the rest."""
    async with pages() as p:
        browser = await p.browser()
        made, now = [await p.webhook(name=f"Hook {at}") for at in range(6)], p.s.clock.ms
        for order, (_, number) in enumerate(made):
            p.healths[number] = port.StoredHealth(number, now, 12, "503", 1, now + 41_000)
            for turn in range(3):
                (delivery,) = await accept(p.s, id_of(10 * order + turn), [number], org=7)
                if order or not turn:
                    await settle(p.s, delivery, number, State.RETRYING, status=503)
        asked: list[Sequence[Sequence[int]]] = []
        series = p.s.store.series

        async def recorded(groups: Sequence[Sequence[int]], *when: int) -> Sequence[port.Series]:
            asked.append(groups)
            return await series(groups, *when)

        monkeypatch.setattr(p.s.store, "series", recorded)
        assert "2 of them are queued until" in text(await browser.get("/console/o/7"))
        assert asked == [[[made[0][1]]]]


async def test_what_waits_its_turn_at_a_good_receiver_is_no_failure() -> None:
    async with pages() as p:
        browser = await p.browser()
        webhook, number = await p.webhook()
        (delivery,) = await accept(p.s, id_of(1), [number], org=7)
        await settle(p.s, delivery, number, State.DELIVERED, status=200)
        for at in range(2, 9):
            await accept(p.s, id_of(at), [number], org=7)
        p.s.clock.ms += 1000
        for path in ("", f"/webhooks/{webhook}"):
            page = text(await browser.get(f"/console/o/7{path}"))
            assert card(page, "Attempts failed") == "0"
            assert drawn(page, "Error rate") == [0.0]


async def test_a_receiver_that_answers_503_alone_does_not_read_as_without_failures() -> None:
    async with pages() as p:
        browser = await p.browser()
        webhook, number = await p.webhook()
        for at in range(4):
            (delivery,) = await accept(p.s, id_of(at), [number], org=7)
            await settle(p.s, delivery, number, State.RETRYING, status=503)
        p.s.clock.ms += 1000
        page = text(await browser.get(f"/console/o/7/webhooks/{webhook}"))
        assert card(page, "Attempts failed") == "4" and "<span>100 % of 4</span>" in page


async def test_each_failing_webhook_tells_its_next_try_whatever_the_others_retry() -> None:
    """The quiet one's retry is older than more retries of the other than one page holds."""
    async with pages() as p:
        browser = await p.browser()
        _, quiet = await p.webhook(name="Quiet")
        _, loud = await p.webhook(name="Loud")
        _, broken = await p.webhook(name="Broken")
        now = p.s.clock.ms
        p.healths[quiet] = port.StoredHealth(quiet, now, 1, "503")
        p.healths[loud] = port.StoredHealth(loud, now, 260, "timeout")
        p.healths[broken] = port.StoredHealth(broken, now, 12, "410", 1, now + 41_000)
        for at, number in enumerate([quiet] + [loud] * 210):
            (delivery,) = await accept(p.s, id_of(at), [number], org=7)
            await settle(p.s, delivery, number, State.RETRYING, status=503)
            p.s.clock.ms += 10
        part = text(await browser.get("/console/o/7?part=now", hx_request="true"))
        told = dict(re.findall(r"<b>(\w+)</b> .*?next try <time [^>]*datetime=\"([^\"]*)", part))
        assert told.keys() == {"Quiet", "Loud", "Broken"}, part
        tries = {name: datetime.fromisoformat(said).timestamp() for name, said in told.items()}
        assert tries["Quiet"] * 1000 == now + 60_000
        assert tries["Broken"] * 1000 == now + 41_000
        assert tries["Loud"] * 1000 > now + 60_000


async def test_it_shows_nothing_of_another_org() -> None:
    async with pages() as p:
        browser = await p.browser()
        await p.browser(8)
        _, number = await p.webhook(8)
        await accept(p.s, id_of(1), [number], org=8)
        p.healths[number] = port.StoredHealth(number, p.s.clock.ms, 12, "503", 1, 0)
        assert "Waiting for your first event" in text(await browser.get("/console/o/7"))
        await accept(p.s, id_of(2), org=7)
        page = text(await browser.get("/console/o/7"))
        assert card(page, "Events in") == "1" and card(page, "Delivered") == "0"
        assert "Acme CRM" not in page
