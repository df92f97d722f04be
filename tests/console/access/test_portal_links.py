"""Links to the portal by the console: who makes them, what is open, and how it ends."""

import re
from html import unescape

from tests.api.control_client import call
from tests.console.access.visitor import ORG, Visitor, link, open_it
from tests.console.webhook_client import Browser, Pages, pages, text
from tests.engine.audit.kept_log import entries_of
from tests.engine.store.store_faults import first, refusing
from tidings.engine.access.sessions import PORTAL_MS

AT = "/console/o/7/access/portal"
WORD = "a long pass phrase"
FORM = {"name": "Acme <i>Shop</i>", "role": "operator", "embedIn": "https://app.acme.example"}


async def signed_in(p: Pages, role: str = "admin", email: str = "asha@acme.example") -> Browser:
    """A user of the org, by their password."""
    if p.s.orgs.get(ORG) is None:
        await p.s.add_org(7)
    boss = p.s.access.caller_of("boss")
    _, made = await p.s.users.create(boss, ORG, {"email": email, "role": role})
    assert made is not None
    await p.s.users.open_link(made.token, WORD)
    signed = await p.s.sessions.by_password(email, WORD, "127.0.0.1")
    return Browser(p, signed.token)


async def made_by(browser: Browser, **more: str) -> str:
    """The URL of a link that a form makes."""
    reply = await browser.post(f"{AT}/new", FORM | more)
    assert reply.status == 200, text(reply)
    [url] = set(re.findall(r'data-copy="([^"]+)"', text(reply)))
    return unescape(url)


async def visitor_of(p: Pages, url: str) -> Visitor:
    path = "/console" + url.partition("/console")[2]
    opened = await call(p.app, "GET", path, b"", {"host": "127.0.0.1"})
    assert opened.status == 303, text(opened)
    return Visitor(p, opened)


async def test_a_link_that_a_user_makes_opens_the_portal_with_no_more_than_they_may() -> None:
    async with pages() as p:
        admin = await signed_in(p)
        url = await made_by(admin)
        assert url.startswith("http") and "/console/portal?link=" in url
        waiting = text(await admin.get(AT))
        assert "Acme &lt;i&gt;Shop&lt;/i&gt;" in waiting and "<i>Shop" not in waiting
        assert "asha@acme.example" in waiting and "No session is open" in waiting
        assert url.partition("link=")[2] not in waiting, "the URL is shown once"
        v = await visitor_of(p, url)
        page = await v.get("/console/portal/o/7/webhooks")
        assert page.status == 200 and "Acme &lt;i&gt;Shop&lt;/i&gt;" in text(page)
        assert (await v.post("/console/portal/o/7/inboxes", "name=x")).status == 303
        for path in ("/access", "/access/portal", "/settings"):
            assert (await v.get(f"/console/portal/o/7{path}")).status == 403, path
        after = text(await admin.get(AT))
        assert "No link waits" in after and "No session is open" not in after
        assert "127.0.0.1" in after or "no address" in after

        actor = [(change.action, change.actor_name) for change in entries_of(p.s.store, 7)]
        assert ("portal.linked", "asha@acme.example") in actor
        assert ("session.begun", "Acme <i>Shop</i> portal") in actor


async def test_a_session_ends_with_the_user_who_made_its_link() -> None:
    async with pages() as p:
        boss = p.s.access.caller_of("boss")
        admin = await signed_in(p)
        unopened = await made_by(admin)
        v = await visitor_of(p, await made_by(admin))
        assert (await v.get("/console/portal/o/7/webhooks")).status == 200
        [user] = [
            record for record in p.s.users.list(ORG) if record.person.email == "asha@acme.example"
        ]
        await p.s.users.change(boss, ORG, user.person.id, {"role": "reader"})
        assert (await v.post("/console/portal/o/7/inboxes", "name=x")).status == 403
        assert (await v.get("/console/portal/o/7/webhooks")).status == 200, "as far as they may"
        path = "/console" + unopened.partition("/console")[2]
        await p.s.users.change(boss, ORG, user.person.id, {"disabled": True})
        assert (await v.get("/console/portal/o/7/webhooks")).status == 401
        assert (await call(p.app, "GET", path, b"", {"host": "127.0.0.1"})).status == 401
        await p.s.users.remove(boss, ORG, user.person.id)
        assert (await v.get("/console/portal/o/7/webhooks")).status == 401
        assert (await call(p.app, "GET", path, b"", {"host": "127.0.0.1"})).status == 401
        other = await signed_in(p, email="b@acme.example")
        left = text(await other.get(AT))
        assert "No link waits" in left and "No session is open" in left


async def test_a_session_of_a_user_is_kept_over_a_restart() -> None:
    async with pages() as p:
        v = await visitor_of(p, await made_by(await signed_in(p)))
        people = await p.s.store.load_people()
        p.s.sessions.load(people)
        p.s.users.load(people)
        assert (await v.get("/console/portal/o/7/webhooks")).status == 200


async def test_a_link_and_a_session_are_ended_and_an_entry_tells_who_did() -> None:
    async with pages() as p:
        admin = await signed_in(p)
        url = await made_by(admin)
        [id] = re.findall(r'name="link" value="([0-9a-f]+)"', text(await admin.get(AT)))
        ended = await admin.post(f"{AT}/end", {"link": id})
        assert ended.status == 303 and ended.headers["location"] == AT
        path = "/console" + url.partition("/console")[2]
        assert (await call(p.app, "GET", path, b"", {"host": "127.0.0.1"})).status == 401
        assert (await admin.post(f"{AT}/end", {"link": id})).status == 404, "it was ended"

        v, other = [await visitor_of(p, await made_by(admin)) for _ in range(2)]
        ids = re.findall(r'name="session" value="([0-9a-f]+)"', text(await admin.get(AT)))
        assert len(ids) == 2, "the newest first"
        assert (await admin.post(f"{AT}/end", {"session": ids[1]})).status == 303
        assert (await v.get("/console/portal/o/7/webhooks")).status == 401
        assert (await other.get("/console/portal/o/7/webhooks")).status == 200
        told = [
            (change.action, change.actor_name, change.object)
            for change in entries_of(p.s.store, 7)
            if change.action in ("portal.unlinked", "portal.ended")
        ]
        name = "asha@acme.example"
        assert told == [("portal.unlinked", name, id), ("portal.ended", name, ids[1])]


async def test_a_store_that_does_not_answer_ends_no_link() -> None:
    async with pages() as p:
        admin = await signed_in(p)
        url = await made_by(admin)
        [id] = re.findall(r'name="link" value="([0-9a-f]+)"', text(await admin.get(AT)))
        failed = refusing(p.s.store, "list_links", first(2))
        assert (await admin.get(AT)).status == 503
        assert (await admin.post(f"{AT}/end", {"link": id})).status == 503
        assert len(failed) == 2
        await visitor_of(p, url)
        assert "No link waits" in text(await admin.get(AT))


async def test_of_another_org_nothing_is_listed_and_nothing_ended() -> None:
    async with pages() as p:
        admin = await signed_in(p)
        v = await visitor_of(p, await made_by(admin))
        await made_by(admin, name="Unopened")
        page = text(await admin.get(AT))
        of_seven = dict(re.findall(r'name="(link|session)" value="([0-9a-f]+)"', page))
        assert set(of_seven) == {"link", "session"}
        stranger = await p.browser(8)
        shown = text(await stranger.get("/console/o/8/access/portal"))
        assert "No link waits" in shown and "No session is open" in shown
        for field, id in of_seven.items():
            answer = await stranger.post("/console/o/8/access/portal/end", {field: id})
            assert answer.status == 404, field
        assert (await v.get("/console/portal/o/7/webhooks")).status == 200
        assert "Unopened" in text(await admin.get(AT))


async def test_what_the_api_has_made_is_listed_too_until_its_time_is_over() -> None:
    async with pages() as p:
        await p.s.add_org(7)
        admin = await p.platform()
        made = await link(p, name="By the API", expiresInMinutes=5)
        v = Visitor(p, await open_it(p, await link(p, name="Opened")))
        page = text(await admin.get(AT))
        assert "By the API" in page and "Opened" in page and "boss" in page
        assert made.json["url"].partition("link=")[2] not in page
        p.s.clock.ms += 300_000
        assert "By the API" not in text(await admin.get(AT))
        assert "Last used" in page
        p.s.clock.ms += PORTAL_MS - 300_000
        assert (await v.get("/console/portal/o/7/webhooks")).status == 401
        assert "No session is open" in text(await admin.get(AT))


async def test_what_is_wrong_stands_beside_its_field_and_nothing_is_made() -> None:
    async with pages() as p:
        admin = await signed_in(p)
        wrong = {
            "name": "",
            "colour": "red",
            "expiresInMinutes": "61",
            "embedIn": "https://a.example/path",
        }
        reply = await admin.post(f"{AT}/new", FORM | wrong)
        page = text(reply)
        assert reply.status == 400
        for field in wrong:
            assert re.search(rf'id="h-{field}" role="alert"', page), field
        assert "No link waits" in text(await admin.get(AT))
        reader = await signed_in(p, role="reader", email="r@acme.example")
        assert (await reader.get(AT)).status == 403
        assert (await reader.post(f"{AT}/new", FORM)).status == 403
