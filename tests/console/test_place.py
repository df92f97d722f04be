"""A page acts in the org that its address names, in that one alone, and says which one it is."""

import re
from html import unescape
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

import tidings.console
from tests.api.control_client import Reply, basic, call
from tests.console.crawl import HX, ROUTES, Form, Seen, all_of_it, furnish, walk
from tests.console.webhook_client import Browser, Pages, pages, text
from tidings.console.pages.finding.ids import _OPENERS
from tidings.console.place import OUTSIDE, PageScope, form_token, inside, place_of
from tidings.console.routes import OF_AN_ORG
from tidings.core.access.portal_rules import ROLES
from tidings.core.ids import OrgId, show
from tidings.core.incidents.incident import Incident, IncidentKind
from tidings.engine.access.sessions import SignedIn

ORG = OrgId(7)

BASES = {7: "/console/o/7", 8: "/console/o/8"}
NAMES = {7: "Acme & Sons (7)", 8: "Beta (8)"}
OF_NONE = tuple(f"/console/{name}" for name in "failing orgs sessions sign-out stop-all".split())
UNTAKEN = {"/find", "/events/rejected", "/tail/stream"}  # forms and streams lead there, not links
UNTAKEN |= {"/deliveries/{id}/mail"}  # in a frame of the runs that made one: parts/test_mail_frames
WORD = "a word of many letters"


async def two(p: Pages) -> None:
    """Two brands with one of everything."""
    await furnish(p, 7, "Acme & Sons")
    await furnish(p, 8, "Beta")


_LOOKED_AT: dict[str, dict[str, Seen]] = {}


async def looked_at(browser: Browser, base: str) -> dict[str, Seen]:
    """The pages of one of the two, as the platform sees them; walked once for those who look at
    nothing but what stands there."""
    if base not in _LOOKED_AT:
        _LOOKED_AT[base] = await walk(browser, base, base)
    return _LOOKED_AT[base]


async def asha(p: Pages, *orgs: int, role: str = "admin") -> SignedIn:
    """Somebody with a seat in each of these orgs."""
    boss = p.s.access.caller_of("boss")
    for org in orgs:
        body = {"email": "asha@acme.example", "role": role}
        if org == orgs[0]:
            await p.s.users.create(boss, OrgId(org), body | {"password": WORD})
        else:
            _, link = await p.s.users.create(boss, OrgId(org), body)
            assert link is not None
            await p.s.users.open_link(link.token, WORD)
    return await p.s.sessions.by_password("asha@acme.example", WORD, "192.0.2.1")


class Holder(Browser):
    """A browser with any cookies."""

    def __init__(self, page: Pages, token: str, cookie: str) -> None:
        super().__init__(page, token)
        self.cookie = cookie


async def open_portal(p: Pages, org: int, role: str = "operator", cookie: str = "") -> Reply:
    """A new link is opened by a browser that has these cookies."""
    body = b'{"name": "A brand", "role": "%s"}' % role.encode()
    auth = {"authorization": basic("boss", "s3cret")}
    made = await call(p.app, "POST", f"/v1/orgs/{org}/portal-links", body, auth)
    path = "/console" + made.json["url"].partition("/console")[2]
    return await call(p.app, "GET", path, b"", {"host": "127.0.0.1", "cookie": cookie})


async def portal_holder(p: Pages, org: int, role: str = "operator") -> Holder:
    """A browser with nothing but an open portal."""
    cookie = (await open_portal(p, org, role)).headers["set-cookie"].partition(";")[0]
    return Holder(p, cookie.partition("=")[2], cookie)


def strays(seen: dict[str, Seen], base: str) -> list[tuple[str, str, str]]:
    """Addresses on the pages of an org that lead neither into it nor to what is of no org."""
    found = []
    for at, page in seen.items():
        for name, said in page.addresses:
            of_org = said == base or said.startswith((f"{base}/", f"{base}?", "?", "#"))
            of_none = said.startswith(("/console/static/", "/console/portal.css?"))
            if not base.startswith("/console/portal"):
                of_none |= said.partition("?")[0] in OF_NONE
            if not of_org and not of_none:
                found.append((at, name, said))
    return found


def shapes(seen: dict[str, Seen], base: str) -> set[str]:
    """The routes of an org that were taken."""
    taken = set()
    for at in seen:
        path = at.partition("?")[0].removeprefix(base)
        fitting = (route for route, pattern in ROUTES.items() if pattern.fullmatch(path))
        taken.add(next(fitting, path))  # the first one, as an address is routed
    return taken


async def test_every_link_form_and_request_carries_the_org_that_its_page_is_of() -> None:
    async with pages() as p:
        await two(p)
        browser = await p.platform()
        gets = {route for method, route, _, _ in OF_AN_ORG if method == "GET"}
        for base in BASES.values():
            seen = await looked_at(browser, base)
            assert strays(seen, base) == []
            assert gets - shapes(seen, base) <= UNTAKEN, "a page that no link leads to"
            tags = {name for seen in seen.values() for name, _ in seen.addresses}
            assert tags > {"hx-get", "hx-post", "formaction", "data-stream", "data-base"}
            posts = [form for seen in seen.values() for form in seen.forms if form.post]
            assert len(posts) > 60 and all("csrf" in form.fields for form in posts)
            for at, page in seen.items():
                if "part=" not in at and page.forms:
                    assert any(form.action == f"{base}/find" for form in page.forms), at


@pytest.mark.parametrize("role", ROLES)
async def test_the_pages_of_a_portal_never_lead_out_of_it(role: str) -> None:
    async with pages() as p:
        await two(p)
        base = "/console/portal/o/7"
        seen = await walk(await portal_holder(p, 7, role), base, base)
        assert strays(seen, base) == [] and len(seen) > 20


async def test_every_button_question_and_result_names_the_org() -> None:
    async with pages() as p:
        await two(p)
        browser = await p.platform()
        for org, base in BASES.items():
            seen = await looked_at(browser, base)
            checked = 0
            for at, page in seen.items():
                for form in page.forms:
                    for said, given in form.buttons:
                        if not form.post or "/console/sign-out" in form.action:
                            continue
                        if said == "See the payload":  # it changes nothing and is not sent
                            continue
                        checked += 1
                        assert NAMES[org] in re.sub(r"\s+", " ", said), (at, said, given)
            assert checked > 60
            whole = text(await browser.get(f"{base}/replays"))
            assert f"{NAMES[org]} ·" in unescape(whole), "the title of the tab"
            made = await browser.post(f"{base}/inboxes", {"name": "One more"})
            told = unquote(made.headers["set-cookie"])
            assert f"{NAMES[org]}: The inbox was created." in told and f"Path={base};" in told
            asked = [text for page in seen.values() for text in page.asked]
            assert len(asked) > 3 and all(f"It is in {NAMES[org]}." in text for text in asked)


# -- a form of another org ------------------------------------------------------------------------


def _forms(seen: dict[str, Seen]) -> list[tuple[str, Form]]:
    """The forms that change something, each once."""
    found: dict[tuple[str, str], tuple[str, Form]] = {}
    for at, page in seen.items():
        for form in page.forms:
            for said, button in form.buttons:
                if form.post and "/sign-out" not in form.action:
                    one = Form({"action": button.get("formaction", form.action), "method": "post"})
                    one.fields = form.sent(button)
                    found.setdefault((one.action, said), (at, one))
    return list(found.values())


async def test_a_form_of_another_org_is_refused_with_a_sentence_and_nothing_is_done() -> None:
    async with pages() as p:
        await two(p)
        browser = await p.platform()
        seen = await walk(browser, BASES[7], BASES[7])
        forms = _forms(seen)
        assert len(forms) > 35
        before = all_of_it(p)
        for at, form in forms:
            there = form.action.replace(BASES[7], BASES[8])
            swapped = await browser.post(there, form.fields)
            assert swapped.status == 403, (at, there)
            said = unescape(text(swapped))
            assert NAMES[7] in said and NAMES[8] in said and "Nothing was changed." in said
            for csrf in (form_token(browser.token, there), "", "7.", "8." + "0" * 32):
                reply = await browser.post(form.action, form.fields | {"csrf": [csrf]})
                assert reply.status == 403 and "Nothing was changed." in text(reply), (at, csrf)
            header = form_token(browser.token, there)
            reply = await browser.post(form.action, form.fields, x_csrf=header)
            assert reply.status == 403, "what htmx says counts"
            del form.fields["csrf"]
            reply = await browser.post(form.action, form.fields | {"csrf": []})
            assert reply.status == 403
        assert all_of_it(p) == before
        assert p.s.stops.orgs == 0


async def test_a_form_of_another_page_or_session_is_refused_too() -> None:
    async with pages() as p:
        await two(p)
        browser, other = await p.platform(), await p.platform()
        stop, path = "/console/o/7/stop", "/console/o/7/inboxes"
        for csrf in (
            form_token(other.token, stop),
            form_token(browser.token, path),
            form_token(browser.token, "/console/portal/o/7/stop"),
            form_token(browser.token, "/console/stop-all"),
        ):
            reply = await browser.post(stop, {"do": "stop", "csrf": csrf})
            assert reply.status == 403 and "Nothing was changed." in text(reply), csrf
        away = {"origin": "https://evil.example", "host": "127.0.0.1"}
        assert (await browser.post(stop, {"do": "stop"}, **away)).status == 403
        assert not p.s.stops.is_stopped(ORG)
        assert (await browser.post(stop, {"do": "stop"})).status == 303
        assert p.s.stops.is_stopped(ORG) and not p.s.stops.is_stopped(OrgId(8))


async def test_every_form_does_its_work_in_its_own_org_and_leaves_the_other_alone() -> None:
    async with pages() as p:
        await two(p)
        browser = await p.platform()
        untouched = holds(p, 8)
        last = ("/delete", "/revoke", "/cancel")
        forms = _forms(await walk(browser, BASES[7], BASES[7]))
        forms.sort(key=lambda one: one[1].action.endswith(last))
        before, done = all_of_it(p), 0
        for at, form in forms:
            if "/credentials/" in form.action and "boss" in form.action:
                continue  # it is what the reader is signed in with
            reply = await browser.post(form.action, form.fields)
            told = text(reply)
            assert reply.status < 500 and "stale_form" not in told, (at, form.action)
            assert reply.status not in (401, 403), (at, form.action, told)
            location = reply.headers.get("location", BASES[7])
            assert location == BASES[7] or location.startswith(BASES[7] + "/"), location
            done += reply.status == 303
        assert done > 15 and all_of_it(p) != before
        assert holds(p, 8) == untouched


def holds(p: Pages, org: int) -> str:
    """What people of an org have set up."""
    s = p.s
    of_it = (
        s.webhooks.list(OrgId(org)),
        s.inboxes.list(OrgId(org)),
        [
            (live.stored, live.source, live.dead_letters)
            for live in s.services.sources.sources.of(OrgId(org))
        ],
        s.users.list(OrgId(org)),
        s.orgs.get(OrgId(org)),
    )
    return repr(
        (
            of_it,
            s.access.of_org(OrgId(org)),
            s.stops.of(OrgId(org)),
            list(s.event_types.names(OrgId(org))),
        )
    )


# -- who may be where -----------------------------------------------------------------------------


async def test_a_link_opens_the_same_thing_for_a_colleague_and_a_clear_page_for_others() -> None:
    async with pages() as p:
        known = await furnish(p, 7, "Acme")
        await p.s.add_org(8)
        link = f"/console/o/7/deliveries/{known.deliveries[1]}?body=original"
        boss = await p.platform()
        colleague = Browser(p, (await asha(p, 7, 8)).token)
        mine, theirs = await boss.get(link), await colleague.get(link)
        for page in (mine, theirs):
            assert page.status == 200 and "Acme <b>7</b>" in text(page)
            assert known.deliveries[1] in text(page)
        stranger = await p.browser(8)
        refused = await stranger.get(link)
        said = unescape(text(refused))
        assert refused.status == 403 and "Acme" not in said and "pointsIssued" not in said
        assert "Org 7 must be one that you have access to" in said and "/console/orgs" in said
        absent = await stranger.get("/console/o/4711/webhooks")
        assert unescape(text(absent)).replace("4711", "7") == said, "it does not tell which is"

        signed_out = await Browser(p, "").get(link)
        where = signed_out.headers["location"]
        assert where == f"/console/sign-in?to={quote(link, safe='')}"
        body = f"name=boss&secret=s3cret&to={quote(link, safe='')}".encode()
        sent = {
            "host": "127.0.0.1",
            "content-type": "application/x-www-form-urlencoded",
            "content-length": str(len(body)),
        }
        back = await call(p.app, "POST", "/console/sign-in", body, sent)
        assert (back.status, back.headers["location"]) == (303, link)


async def test_rights_are_those_of_the_org_of_the_address() -> None:
    async with pages() as p:
        await two(p)
        boss = p.s.access.caller_of("boss")
        signed = await asha(p, 7, 8)
        (user,) = [
            record for record in p.s.users.list(OrgId(8)) if record.person.email.startswith("asha")
        ]
        await p.s.users.change(boss, OrgId(8), user.person.id, {"role": "reader"})
        browser = Browser(p, signed.token)
        assert (await browser.post("/console/o/7/stop", {"do": "stop"})).status == 303
        assert (await browser.post("/console/o/8/stop", {"do": "stop"})).status == 403
        assert p.s.stops.is_stopped(ORG) and not p.s.stops.is_stopped(OrgId(8))
        for path in ("/console/orgs/new", "/console/stop-all"):
            assert (await browser.post(path, {"do": "stop", "name": "X"})).status == 403, path
        (left,) = [
            record for record in p.s.users.list(ORG) if record.person.email.startswith("asha")
        ]
        await p.s.users.remove(boss, ORG, left.person.id)
        assert (await browser.get("/console/o/7/webhooks")).status == 403
        assert (await browser.get("/console/o/8/webhooks")).status == 200


NO_ORGS = ("0", "07", "-7", "+7", "7 ", "7\n", "7.0", "٧", "7e0", "a", "9" * 20, "77")


async def test_what_is_no_org_opens_nothing_and_takes_nothing() -> None:
    async with pages() as p:
        await two(p)
        browser = await p.platform()
        for org in NO_ORGS:
            for base in ("/console", "/console/portal"):
                path = f"{base}/o/{org}/stop"
                assert (await browser.get(path)).status in (401, 403, 404), path
                reply = await browser.post(path, {"do": "stop"})
                assert reply.status in (401, 403, 404), path
        assert p.s.stops.orgs == 0


async def test_no_cookie_says_which_org_is_meant() -> None:
    async with pages() as p:
        await two(p)
        token = (await asha(p, 7, 8)).token
        own = f"__Host-tidings={token}"
        for more in ("", "; tidings-org=8", "; tidings-org=7", "; __Host-tidings-portal=x"):
            browser = Holder(p, token, own + more)
            assert "Acme &amp; Sons <b>7</b>" in text(await browser.get("/console/o/7"))
            for old in ("/console/stop", "/console/work-in", "/console/webhooks/new"):
                reply = await browser.post(old, {"do": "stop", "org": "8"})
                assert reply.status == 404, old
        assert "Nothing was changed." in text(await browser.post("/console/stop", {"do": "stop"}))
        assert p.s.stops.orgs == 0


# -- addresses from before ------------------------------------------------------------------------


async def test_old_links_lead_on_where_one_org_may_be_meant_and_else_to_the_choice() -> None:
    async with pages() as p:
        known = await furnish(p, 7, "Acme")
        await p.s.add_org(8)
        one, both = await p.browser(), Browser(p, (await asha(p, 7, 8)).token)
        for path in (
            f"/deliveries/{known.deliveries[0]}?body=original&attempt=1",
            *("/webhooks", "/events/new?type=pointsIssued", "/find?q=a%20b%26c", "/stop"),
        ):
            led = await one.get(f"/console{path}")
            assert (led.status, led.headers["location"]) == (303, f"/console/o/7{path}")
            led = await both.get(f"/console{path}")
            assert led.headers["location"] == f"/console/orgs?to={quote(path, safe='')}"
            page = text(await both.get(led.headers["location"]))
            for org in (7, 8):
                assert f'href="/console/o/{org}{path.replace("&", "&amp;")}"' in page, path
        assert (await one.get("/console")).headers["location"] == "/console/o/7"
        assert (await both.get("/console")).headers["location"] == "/console/orgs"
        led = await both.get("/console/orgs/8")
        assert led.headers["location"] == "/console/o/8/settings"
        signed_out = await Browser(p, "").get("/console/webhooks")
        assert signed_out.headers["location"].endswith("?to=%2Fconsole%2Fwebhooks")
        assert (await one.get("/console/nothing/here")).status == 404


OUT = (
    *("//evil.example", "https://evil.example", "evil", "/../../v1", "/a/%2e%2E/%2e./../x"),
    *("/a/..", "/\\evil", "/.\t./x", "/a b", "/.\n./x", '/"><script>', "/é", "/./x"),
)


async def test_a_choice_never_leads_out_of_the_org() -> None:
    async with pages() as p:
        browser = await p.platform()
        for to in OUT:
            page = text(await browser.get(f"/console/orgs?to={quote(to, safe='')}"))
            found = re.findall(r'<a data-row href="([^"]*)"', page)
            assert found and all(row.startswith("/console/o/") for row in found), to
            for row in found:
                parts = [unquote(part) for part in unescape(row).split("/")]
                assert not {".", ".."} & set(parts), to
                assert row.isprintable() and "\\" not in row, to


async def test_an_id_opens_in_the_org_in_which_it_is_found() -> None:
    async with pages() as p:
        acme = await furnish(p, 7, "Acme")
        await furnish(p, 8, "Beta")
        wanted = {
            acme.deliveries[0]: f"deliveries/{acme.deliveries[0]}",
            acme.event: f"events/{acme.event}",
            acme.webhook: f"webhooks/{acme.webhook}",
            acme.inbox: f"inboxes/{acme.inbox}",
            acme.channel: f"alerts/{acme.channel}",
            show("inc", 1): f"webhooks/{acme.webhook}",
        }
        await p.s.store.put_incidents([Incident(acme.number, 1, ORG, IncidentKind.FAILING)])
        owner = await p.browser()
        for prefix, page in (
            ("rpl", "replays"),
            ("rej", "rejections"),
            ("src", "sources"),
            ("asd", "sources/{src}/aside"),
        ):
            at = page.format(src=next((id for id in wanted if id.startswith("src_")), ""))
            listed = text(await owner.get(f"/console/o/7/{at.removesuffix('/aside')}"))
            found = re.search(rf"/console/o/7/{at}/({prefix}_[0-9a-z]+)", listed)
            assert found is not None, page
            wanted[found[1]] = f"{at}/{found[1]}"
        assert _OPENERS.keys() <= {id[:3] for id in wanted}, "one of each prefix"
        for browser in (await p.platform(), Browser(p, (await asha(p, 8, 7)).token)):
            for id, page in wanted.items():
                at_home = await browser.get(f"/console/o/7/find?q={id}")
                assert at_home.headers["location"] == f"/console/o/7/{page}"
                away = await browser.get(f"/console/o/8/find?q={id}")
                assert away.headers["location"] == f"/console/o/7/{page}", id
                assert "found in Acme (7)" in unquote(away.headers["set-cookie"])
                outside = await browser.get(f"/console/search?q={id}")
                assert outside.headers["location"] == f"/console/o/7/{page}", id
                for at in ("/console/o/7/find", "/console/o/8/find", "/console/search"):
                    rows = text(await browser.get(f"{at}?part=rows&q={id}"))
                    first, *_ = re.findall(r'role="option"[^>]* href="([^"]+)"', rows)
                    assert first == f"/console/o/7/{page}", (at, id)
        portal = await portal_holder(p, 8)
        for stranger, base in ((await p.browser(8), "/console/o/8"), (portal, "")):
            at = base or "/console/portal/o/8"
            for id in wanted:
                reply = await stranger.get(f"{at}/find?q={id}")
                assert reply.status == 200 and "Nothing was found" in text(reply)
                assert "Acme" not in text(reply)
                rows = text(await stranger.get(f"{at}/find?part=rows&q={id}"))
                assert "/o/7" not in rows and "Acme" not in rows and "Search" in rows


# -- portals --------------------------------------------------------------------------------------


async def test_a_portal_and_ones_own_session_leave_each_other_alone() -> None:
    async with pages() as p:
        await two(p)
        own = (await p.platform()).cookie
        opened = await open_portal(p, 7, "reader", own)
        (kept,) = [opened.headers["set-cookie"].partition(";")[0]]
        assert kept.startswith("__Host-tidings-portal-7=")
        both = f"{own}; {kept}"
        mine = Holder(p, own.partition("=")[2], both)
        theirs = Holder(p, kept.partition("=")[2], both)
        for page in ("/console/o/7", "/console/o/8/webhooks", "/console/orgs"):
            shown = text(await mine.get(page))
            assert "A brand" not in shown and "Sign out" in shown, page
        shown = text(await theirs.get("/console/portal/o/7/webhooks"))
        assert "A brand" in shown and "Sign out" not in shown and "/new" not in shown
        portal_stop = "/console/portal/o/7/stop"
        assert (await theirs.post(portal_stop, {"do": "stop"})).status == 403
        assert (await mine.post(portal_stop, {"do": "stop"})).status == 403
        assert (await mine.get("/console/portal/o/8")).status == 401, "no portal is open there"
        assert not p.s.stops.is_stopped(ORG)

        body = b"name=boss&secret=s3cret&to=/console/orgs"
        sent = {"host": "127.0.0.1", "cookie": both, "content-length": str(len(body))}
        sent["content-type"] = "application/x-www-form-urlencoded"
        signed = await call(p.app, "POST", "/console/sign-in", body, sent)
        own = signed.headers["set-cookie"].partition(";")[0]
        assert "portal" not in str(signed.headers["set-cookie"])
        assert (await mine.get("/console/o/7")).status == 303, "another one is in its place"
        mine = Holder(p, own.partition("=")[2], f"{own}; {kept}")
        assert (await theirs.get("/console/portal/o/7")).status == 200

        left = await theirs.post("/console/portal/o/7/leave")
        assert left.status == 200 and "__Host-tidings=" not in str(left.headers)
        assert (await theirs.get("/console/portal/o/7")).status == 401
        assert (await mine.get("/console/o/7")).status == 200
        first = (await open_portal(p, 7, "operator", own)).headers["set-cookie"].partition(";")[0]
        another = await open_portal(p, 7, "reader", f"{own}; {first}")
        kept = another.headers["set-cookie"].partition(";")[0]
        replaced = Holder(p, first.partition("=")[2], first)
        assert (await replaced.get("/console/portal/o/7")).status == 401
        holder = Holder(p, own.partition("=")[2], f"{own}; {kept}")
        out = await holder.post("/console/sign-out")
        assert out.status == 303 and "portal" not in out.headers["set-cookie"]
        assert (await holder.get("/console/portal/o/7")).status == 200
        assert (await holder.get("/console/o/7")).status == 303


async def test_portals_of_two_orgs_stand_side_by_side_each_with_its_own_rights() -> None:
    async with pages() as p:
        await two(p)
        seven, eight = await portal_holder(p, 7, "reader"), await portal_holder(p, 8)
        both = f"{seven.cookie}; {eight.cookie}"
        seven, eight = Holder(p, seven.token, both), Holder(p, eight.token, both)
        assert "Acme &amp; Sons <b>7</b>" in text(await seven.get("/console/portal/o/7"))
        assert "Beta <b>8</b>" in text(await eight.get("/console/portal/o/8"))
        assert (await seven.post("/console/portal/o/7/inboxes", {"name": "x"})).status == 403
        assert (await eight.post("/console/portal/o/8/inboxes", {"name": "x"})).status == 303
        # the session of one under the name of the other
        swapped = f"__Host-tidings-portal-8={seven.token}"
        forged = Holder(p, seven.token, swapped)
        assert (await forged.get("/console/portal/o/8/webhooks")).status == 403
        as_own = Holder(p, eight.token, f"__Host-tidings={eight.token}")
        for page in ("/console/o/7/webhooks", "/console/o/8/webhooks", "/console/orgs"):
            reply = await as_own.get(page)
            assert reply.status == 303 and "/console/sign-in" in reply.headers["location"], page
        assert (await as_own.get("/console/portal/o/8/webhooks")).status == 401
        boss = await p.platform()
        as_portal = Holder(p, boss.token, f"__Host-tidings-portal-7={boss.token}")
        for path in ("/console/portal/o/7/stop", "/console/portal/o/7/webhooks"):
            assert (await as_portal.get(path)).status == 401, path
        await as_portal.post("/console/portal/o/7/stop", {"do": "stop"})
        assert not p.s.stops.is_stopped(ORG)


# -- the one place --------------------------------------------------------------------------------


def test_an_address_says_its_place_and_nothing_else_does() -> None:
    for place, path in {
        PageScope(ORG): "/console/o/7",
        PageScope(OrgId(2002), portal=True): "/console/portal/o/2002",
        OUTSIDE: "/console",
    }.items():
        assert place.at() == path and place_of(path) == place
        assert place_of(place.at("/webhooks/o/9")) == place
    for odd in ("/console/o/", "/console/o/7x", "/console/o7", "/x/console/o/7", "/console/O/7"):
        assert place_of(odd) == OUTSIDE, odd
    assert inside("/webhooks?q=../..") and not inside("/webhooks/..")


def test_no_page_writes_an_address_of_its_own() -> None:
    package = Path(tidings.console.__file__).parent
    of_roots = {"place.py", "static.py", "routes.py", "frame.py", "visit.py"}
    written = re.compile(r"""["'`(=]/console\b""")
    assert written.search('<a href="/console/o/7">') and written.search("go('/console')")
    found = []
    for file in sorted(package.rglob("*")):
        parts = file.relative_to(package).parts
        if parts[0] == "browser" or "vendor" in parts or file.name in of_roots:
            continue
        if file.suffix in (".py", ".html", ".js"):
            for line in file.read_text().splitlines():
                if written.search(line) and "sign_in.py" not in str(file):
                    found.append((file.name, line.strip()))
    assert found == []


async def test_requests_of_htmx_carry_a_token_for_their_own_address() -> None:
    async with pages() as p:
        await two(p)
        browser = await p.platform()
        seen = await walk(browser, BASES[7], BASES[7])
        posted = 0
        for at, page in seen.items():
            wanted = [said for name, said in page.addresses if name == "hx-post"]
            tokens = [form_token(browser.token, said) for said in wanted]
            assert page.headers == [f'{{"x-csrf": "{token}"}}' for token in tokens], at
            assert not {n for n, _ in page.addresses} & set(HX) - {"hx-get", "hx-post"}
            posted += len(wanted)
        assert posted > 5
