"""Saved views: found again where they were saved, by who saved them, and by nobody else."""

import re
from html import unescape

import pytest

from tests.api.control_client import Reply
from tests.console.access.visitor import ORG, visitor
from tests.console.parts.markup import STRANGE
from tests.console.webhook_client import Browser, Pages, pages, text
from tests.engine.audit.kept_log import entries_of
from tests.engine.store.store_faults import refusing
from tidings.core.access.view_rules import QUERY_MAX, VIEW_NAME_MAX, VIEWS_MAX
from tidings.core.ids import OrgId
from tidings.store.port import StoreDown

AT = "/console/o/7/views"
WORD = "a long pass phrase"
FAILING = {"list": "webhooks", "name": "Failing ones", "query": "state=failing&sort=name"}


async def signed_in(p: Pages, email: str, role: str = "admin", org: int = 7) -> Browser:
    """A user of the org, by their password."""
    if p.s.orgs.get(OrgId(org)) is None:
        await p.s.add_org(org)
    boss = p.s.access.caller_of("boss")
    _, made = await p.s.users.create(boss, OrgId(org), {"email": email, "role": role})
    assert made is not None
    await p.s.users.open_link(made.token, WORD)
    return await again(p, email)


async def again(p: Pages, email: str) -> Browser:
    signed = await p.s.sessions.by_password(email, WORD, "127.0.0.1")
    return Browser(p, signed.token)


async def saved(browser: Browser, **more: str) -> Reply:
    reply = await browser.post(AT, FAILING | more)
    assert reply.status == 303, text(reply)
    return reply


async def named(browser: Browser, at: str = AT) -> dict[str, str]:
    """The views that a page leads to: the id of each by its name."""
    page = text(await browser.get(at))
    found = re.findall(r'href="/console/o/\d+/views/(viw_\w+)"[^>]*>([^<]*)<', page)
    return {unescape(name): view_id for view_id, name in found}


async def test_a_view_is_found_in_its_list_on_its_page_and_leads_back_to_its_filters() -> None:
    async with pages() as p:
        asha = await signed_in(p, "asha@acme.example")
        await p.webhook()
        listed = "/console/o/7/webhooks"
        unsaved = text(await asha.get(f"{listed}?sort=name&state=failing&page=2"))
        assert "Save this view" in unsaved and "saved-views" in unsaved
        assert 'name="query" value="sort=name&amp;state=failing"' in unsaved, "no page of it"
        assert "Save this view" not in text(await asha.get(listed)), "there is nothing to save"
        reply = await saved(asha)
        assert reply.headers["location"] == f"{listed}?sort=name&state=failing"
        assert set(await named(asha, listed)) == set(await named(asha)) == {"Failing ones"}
        assert await named(asha, "/console/o/7/deliveries") == {}, "it is a view of webhooks"
        view_id = (await named(asha))["Failing ones"]
        opened = await asha.get(f"{AT}/{view_id}")
        assert (opened.status, opened.headers["location"]) == (303, reply.headers["location"])
        current = text(await asha.get(f"{listed}?state=failing&sort=name"))
        assert re.search(rf'{view_id}" aria-current="page">Failing ones', current)
        assert "Save this view" not in current, "it is saved"


@pytest.mark.parametrize(
    "name", [*STRANGE.values(), "<script>alert(1)</script>", '" onclick="x', "Ω 日本"]
)
async def test_a_hostile_name_is_shown_as_text(name: str) -> None:
    async with pages() as p:
        asha = await signed_in(p, "asha@acme.example")
        reply = await asha.post(AT, FAILING | {"name": name})
        if reply.status != 303:
            assert reply.status == 400 and "can be seen" in text(reply)
            assert "<script>alert" not in text(reply)
            return
        assert list(await named(asha)) == [" ".join(name.split())]
        for at in (AT, "/console/o/7/webhooks?sort=name", "/console/o/7/find?part=rows"):
            page = text(await asha.get(at))
            assert "<script>alert" not in page and '" onclick="x' not in page


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({"name": "   "}, "can be seen"),
        ({"name": "\u202eevil"}, "can be seen"),
        ({"name": "a" * (VIEW_NAME_MAX + 1)}, "can be seen"),
        ({"query": "q=" + "a" * QUERY_MAX}, f"at most {QUERY_MAX} characters"),
        ({"query": "&".join(f"a{n}=1" for n in range(300))}, f"at most {QUERY_MAX} characters"),
        ({"list": "sessions"}, "list must be a list"),
        ({"list": "//evil.example/"}, "list must be a list"),
    ],
)
async def test_what_is_no_name_no_query_or_no_list_is_refused(
    more: dict[str, str], wrong: str
) -> None:
    async with pages() as p:
        asha = await signed_in(p, "asha@acme.example")
        reply = await asha.post(AT, FAILING | more)
        assert reply.status == 400 and wrong in text(reply)
        assert await named(asha) == {}


async def test_nobody_else_sees_opens_renames_or_deletes_a_view() -> None:
    async with pages() as p:
        asha = await signed_in(p, "asha@acme.example")
        await saved(asha)
        view_id = (await named(asha))["Failing ones"]
        ravi = await signed_in(p, "ravi@acme.example", "owner")
        boss, key = await p.platform(), await p.browser(7)
        for other in (ravi, boss, key):
            for at in (AT, "/console/o/7/webhooks", "/console/o/7/find?part=rows"):
                assert "Failing ones" not in text(await other.get(at)), at
            assert await named(other, "/console/o/7/find?q=Failing") == {}
            assert await named(other, "/console/o/7/find?part=rows&q=Failing") == {}
            assert (await other.get(f"{AT}/{view_id}")).status == 404
            changed = await other.post(f"{AT}/{view_id}", {"name": "Mine", "revision": "1"})
            assert changed.status == 404 and "Failing ones" not in text(changed)
            gone = await other.post(f"{AT}/{view_id}/delete")
            assert "deleted+already" in gone.headers["set-cookie"].replace("%20", "+")
        assert set(await named(asha)) == {"Failing ones"}
        audit = text(await ravi.get("/console/o/7/audit?kind=saved_view"))
        assert "saved a view of a list" in audit and "Failing ones" not in audit


async def test_a_view_is_of_one_org_also_for_who_sees_all_orgs() -> None:
    async with pages() as p:
        await p.s.add_org(7)
        await p.s.add_org(8)
        boss = await p.platform()
        await saved(boss)
        assert set(await named(boss)) == {"Failing ones"}
        assert await named(boss, "/console/o/8/views") == {}
        assert await named(boss, "/console/o/8/webhooks") == {}
        view_id = (await named(boss))["Failing ones"]
        assert (await boss.get(f"/console/o/8/views/{view_id}")).status == 404


async def test_a_portal_has_no_views_not_even_those_of_who_made_its_link() -> None:
    async with pages() as p:
        await p.s.add_org(7)
        await saved(await p.platform())
        guest = await visitor(p)
        for at in ("webhooks", "webhooks?sort=name", "find?part=rows&q=view"):
            page = text(await guest.get(f"/console/portal/o/7/{at}"))
            assert "Failing ones" not in page and "aved view" not in page, at
            assert "Save this view" not in page
        refused = await guest.get("/console/portal/o/7/views")
        assert refused.status == 403 and "a portal has none" in text(refused)
        sent = await guest.post("/console/portal/o/7/views", "list=webhooks&name=a&query=q%3Da")
        assert sent.status == 403


async def test_a_second_tab_is_told_of_what_the_first_has_done() -> None:
    async with pages() as p:
        asha = await signed_in(p, "asha@acme.example")
        await saved(asha)
        await saved(asha)  # the same form once more
        view_id = (await named(asha))["Failing ones"]
        assert len(await named(asha)) == 1
        first_tab = await asha.post(f"{AT}/{view_id}", {"name": "Red ones", "revision": "1"})
        assert first_tab.status == 303
        late = await asha.post(f"{AT}/{view_id}", {"name": "Broken", "revision": "1"})
        assert late.status == 412 and "Red ones" in text(late), text(late)
        assert set(await named(asha)) == {"Red ones"}
        taken = await asha.post(AT, FAILING | {"name": "red ONES", "query": "q=crm"})
        assert taken.status == 409 and "no other view" in text(taken)
        assert 'name="name" value="red ONES"' in text(taken), "what was typed is kept"
        assert (await asha.post(f"{AT}/{view_id}/delete")).status == 303
        assert (await asha.post(f"{AT}/{view_id}/delete")).status == 303
        gone = await asha.post(f"{AT}/{view_id}", {"name": "Broken", "revision": "2"})
        assert gone.status == 404 and "deleted" in text(gone)


async def test_there_are_no_more_views_than_are_kept() -> None:
    async with pages() as p:
        asha = await signed_in(p, "asha@acme.example")
        for number in range(VIEWS_MAX):
            await saved(asha, name=f"view {number}", query=f"q={number}")
        reply = await asha.post(AT, FAILING)
        assert reply.status == 409 and f"at most {VIEWS_MAX} saved views" in text(reply)
        assert len(await named(asha)) == VIEWS_MAX


@pytest.mark.parametrize(
    ("list_name", "query"),
    [
        ("webhooks", "state=purple"),
        ("deliveries", "status=purple"),
        ("events", "colour=red"),
        ("audit", "kind=purple"),
    ],
)
async def test_a_view_that_its_list_does_not_accept_any_more_says_so(
    list_name: str, query: str
) -> None:
    async with pages() as p:
        asha = await signed_in(p, "asha@acme.example")
        await saved(asha, list=list_name, query=query)
        view_id = (await named(asha))["Failing ones"]
        reply = await asha.get(f"{AT}/{view_id}")
        assert reply.status == 200
        assert "does not accept all filters of the view" in text(reply)
        assert query.partition("=")[0] in text(reply) and "Failing ones" in text(reply)


async def test_who_may_see_a_list_no_more_is_not_led_there() -> None:
    async with pages() as p:
        asha = await signed_in(p, "asha@acme.example")
        await saved(asha, list="audit", query="kind=org")
        view_id = (await named(asha))["Failing ones"]
        [user] = p.s.users.list(ORG)
        await p.s.users.change(
            p.s.access.caller_of("boss"), ORG, user.person.id, {"role": "reader"}
        )
        asha = await again(p, "asha@acme.example")
        assert await named(asha) == {}
        assert (await asha.get(f"{AT}/{view_id}")).status == 404
        assert (await asha.post(AT, FAILING | {"list": "audit"})).status == 400


async def test_views_go_with_the_user() -> None:
    async with pages() as p:
        asha = await signed_in(p, "asha@acme.example")
        await saved(asha)
        [user] = p.s.users.list(ORG)
        kept = p.s.services.access.views
        assert len(await kept.list(ORG, user.person.id)) == 1
        await p.s.users.remove(p.s.access.caller_of("boss"), ORG, user.person.id)
        assert await kept.list(ORG, user.person.id) == []


async def test_a_list_is_shown_without_views_while_the_store_does_not_answer() -> None:
    async with pages() as p:
        asha = await signed_in(p, "asha@acme.example")
        await saved(asha)
        failed = refusing(p.s.store, "saved_views")
        listed = await asha.get("/console/o/7/webhooks")
        assert listed.status == 200 and "Failing ones" not in text(listed)
        assert failed == [0]


async def test_a_view_that_the_store_refuses_is_not_half_saved_and_not_half_deleted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def refuse(*_: object) -> None:
        raise StoreDown("no disk")

    async with pages() as p:
        browser = await p.browser()
        with monkeypatch.context() as failing:
            failing.setattr(p.s.store, "put_saved_view", refuse)
            assert (await browser.post(AT, FAILING)).status == 503
        assert await named(browser) == {}
        await saved(browser)
        views = await named(browser)
        [view] = views.values()
        with monkeypatch.context() as failing:
            failing.setattr(p.s.store, "drop_saved_view", refuse)
            assert (await browser.post(f"{AT}/{view}/delete", {})).status == 503
            failing.setattr(p.s.store, "put_saved_view", refuse)
            renamed = {"name": "Another", "revision": "1"}
            assert (await browser.post(f"{AT}/{view}", renamed)).status == 503
        assert await named(browser) == views


async def test_the_audit_log_says_who_saved_a_view_and_not_what_is_in_it() -> None:
    async with pages() as p:
        asha = await signed_in(p, "asha@acme.example")
        await saved(asha)
        entry = entries_of(p.s.store, 7)[-1]
        assert (entry.action, entry.after) == ("saved_view.created", b'{"list":"webhooks"}')


async def test_a_view_is_found_by_words_of_its_name_and_of_its_list() -> None:
    async with pages() as p:
        asha = await signed_in(p, "asha@acme.example")
        await saved(asha)
        await saved(asha, list="deliveries", name="Parked", query="status=parked")
        find = "/console/o/7/find?part=rows"
        for wanted, views in (
            ("", {"Failing ones", "Parked"}),
            ("&q=ONES+fail", {"Failing ones"}),
            ("&q=saved+deliveries", {"Parked"}),
            ("&q=ones+deliveries", set()),
        ):
            page = text(await asha.get(find + wanted))
            found = re.findall(r'/views/viw_\w+"><span class="label">([^<]+)', page)
            assert set(found) == views, wanted
        assert "Parked" in text(await asha.get("/console/o/7/find?q=parked")), "without a script"
