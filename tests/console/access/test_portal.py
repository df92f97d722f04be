"""A brand's portal: its link, the session that it begins, and what stands around its pages."""

import re
from typing import Any

import pytest

from tests.api.control_client import call
from tests.console.access.visitor import BODY, ORG, Visitor, link, open_it, visitor
from tests.console.webhook_client import pages, text
from tidings.core.access.portal_rules import CONTRAST, Portal, _contrast, accents, read_portal
from tidings.engine.access.portal.open_portals import OPEN_LINKS_MAX
from tidings.engine.access.sessions import PORTAL_MS


async def test_a_link_opens_once_and_its_pages_carry_the_brand_and_may_be_framed_there_alone() -> (
    None
):
    async with pages() as p:
        await p.s.add_org(7)
        made = await link(p)
        opened = await open_it(p, made)
        cookie = opened.headers["set-cookie"]
        assert opened.status == 303 and opened.headers["location"] == "/console/portal/o/7"
        for part in ("__Host-tidings-portal-7=", "SameSite=None", "Secure", "Partitioned"):
            assert part in cookie
        assert "HttpOnly" in cookie and "Path=/" in cookie
        v = Visitor(p, opened)
        page = await v.get("/console/portal/o/7/webhooks")
        policy = page.headers["content-security-policy"]
        assert "frame-ancestors https://app.acme.example http://localhost:3000" in policy
        assert "img-src 'self' data: https://cdn.acme.example:8443;" in policy
        assert "script-src" not in policy and "unsafe" not in policy
        shown = text(page)
        assert "Acme &lt;b&gt;Loyalty&lt;/b&gt;" in shown and "<b>Loyalty" not in shown
        assert (
            "/console/portal/o/7/health" not in shown and "/console/portal/o/7/access" not in shown
        )
        assert "/console/portal.css?ffee00" in shown and "Operate" not in shown
        style = await v.get("/console/portal.css?ffee00")
        assert style.headers["content-type"].startswith("text/css")
        assert accents("#ffee00").light in text(style)

        used = await open_it(p, made)
        assert used.status == 401 and "set-cookie" not in used.headers
        again = await open_it(p, made, v.cookie)
        assert again.status == 303, "a page that is loaded again goes on"
        other = await visitor(p)
        assert (await open_it(p, made, other.cookie)).status == 401, "not with another session"


async def test_a_portal_stays_in_its_org_and_role() -> None:
    async with pages() as p:
        await p.browser(8)
        webhook, _ = await p.webhook(8)
        v = await visitor(p, role="reader")
        for path in (
            "/console/portal/o/7/access",
            "/console/portal/o/7/health",
            "/console/portal/o/7/stop",
            "/console/portal/o/7/settings",
        ):
            assert (await v.get(path)).status == 403, path
        assert (await v.get(f"/console/portal/o/7/webhooks/{webhook}")).status == 404
        assert (await v.post("/console/portal/o/7/inboxes", "name=x")).status == 403
        for at in ("/console/portal/o/8", "/console/o/7/webhooks", "/console/orgs"):
            assert (await v.get(at)).status in (303, 401), at
        operator = await visitor(p)
        assert (await operator.post("/console/portal/o/7/inboxes", "name=x")).status == 303
        assert (await operator.get("/console/portal/o/7/access")).status == 403


async def test_a_portal_ends_with_its_time_its_credential_or_its_close() -> None:
    async with pages() as p:
        auth = await p.s.add_org(7)
        v = await visitor(p)
        closed = await v.post("/console/portal/o/7/leave")
        assert closed.status == 200 and "This page is closed" in text(closed)
        after = await v.get("/console/portal/o/7/webhooks")
        assert after.status == 401 and "frame-ancestors *" in str(after.headers)
        assert "Acme" not in text(after)

        late = await visitor(p)
        p.s.clock.ms += PORTAL_MS
        assert (await late.get("/console/portal/o/7/webhooks")).status == 401

        of_org = await visitor(p, auth=auth)
        assert (await of_org.get("/console/portal/o/7/webhooks")).status == 200
        await p.s.access.put("org7", "another", ORG, platform=False, scopes="*")
        assert (await of_org.get("/console/portal/o/7/webhooks")).status == 401


async def test_a_link_ends_after_its_minutes_and_is_for_its_own_door() -> None:
    async with pages() as p:
        await p.s.add_org(7)
        made = await link(p, expiresInMinutes=1)
        sign_in = made.json["url"].partition("?")[2]
        denied = await call(p.app, "GET", f"/console/sign-in?{sign_in}", b"", {"host": "127.0.0.1"})
        assert denied.status == 401 and "set-cookie" not in denied.headers
        made = await link(p, expiresInMinutes=1)
        p.s.clock.ms += 60_000
        assert (await open_it(p, made)).status == 401
        token = await p.s.sessions.make_link("boss")
        wrong = await call(
            p.app, "GET", f"/console/portal?link={token}", b"", {"host": "127.0.0.1"}
        )
        assert wrong.status == 401
        assert (await p.s.sessions.by_link(token, "127.0.0.1")).token, "it was left as it was"


async def test_a_portal_without_frames_stands_alone() -> None:
    async with pages() as p:
        v = await visitor(p, embedIn=[], logo=None)
        policy = (await v.get("/console/portal/o/7/webhooks")).headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy and "img-src 'self' data:;" in policy


async def test_who_may_make_links_and_how_many() -> None:
    async with pages() as p:
        auth = await p.s.add_org(7, "admin:write webhooks:read")
        denied = await link(p, auth=auth)
        assert denied.status == 403 and denied.json["error"]["code"] == "role_exceeded"
        await p.s.add_org(8)
        assert (await link(p, 8, auth=auth)).status == 404
        assert (await link(p, 99)).status == 404
        await p.s.add_org(7, "webhooks:write")
        assert (await link(p, auth=auth)).status == 403
        for _ in range(OPEN_LINKS_MAX):
            assert (await link(p)).status == 201
        full = await link(p)
        assert full.status == 429
        p.s.clock.ms += 600_000
        assert (await link(p)).status == 201


async def test_portal_sessions_are_kept_over_a_restart_and_not_listed_to_each_other() -> None:
    async with pages() as p:
        v, other = await visitor(p), await visitor(p)
        token = v.cookie.partition("=")[2]
        assert len(p.s.sessions.list(token)) == 1
        p.s.sessions.load(await p.s.store.load_people())
        opened = p.s.sessions.opened(token)
        assert opened is not None and opened.org == 7 and opened.role == "operator"
        await p.s.sessions.sign_out_everywhere(token)
        assert (await v.get("/console/portal/o/7/webhooks")).status == 401
        assert (await other.get("/console/portal/o/7/webhooks")).status == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 61),
        ("name", "two\nlines"),
        ("role", "owner"),
        ("role", "admin"),
        ("expiresInMinutes", 61),
        ("expiresInMinutes", 0),
        ("colour", "red"),
        ("colour", "#fff"),
        ("colour", "#ffffff;}"),
        ("logo", "http://cdn.example/x.png"),
        ("logo", "https://cdn.example/x.png; script-src *"),
        ("logo", "https://user@cdn.example/x.png"),
        ("logo", "javascript:alert(1)"),
        ("logo", "data:text/html;base64,PHA+"),
        ("logo", "data:image/png;base64," + "A" * 43_700),
        ("logo", "data:image/png;base64,A"),
        ("embedIn", "https://a.example"),
        ("embedIn", ["*"]),
        ("embedIn", ["https://*.example"]),
        ("embedIn", ["https://a.example/path"]),
        ("embedIn", ["https://a.example; script-src *"]),
        ("embedIn", ["http://a.example"]),
        ("embedIn", ["https://a.example\r\nX: y"]),
        ("embedIn", ["https://a.example"] * 11),
        ("other", 1),
    ],
)
def test_what_could_say_more_than_it_is_for_is_refused(field: str, value: Any) -> None:
    read = read_portal(ORG, BODY | {field: value})
    assert isinstance(read, list) and read[0].field.startswith(field)
    assert re.search(r"; got |must be one of", read[0].message)


def test_a_logo_in_the_page_and_the_defaults() -> None:
    read = read_portal(ORG, {"name": "Acme", "logo": "data:image/png;base64,iVBORw0KGgo="})
    assert isinstance(read, tuple)
    portal, lasts_ms = read
    assert lasts_ms == 600_000 and portal.role == "reader" and portal.logo_origin == ""
    assert portal == Portal(ORG, "reader", "Acme", "data:image/png;base64,iVBORw0KGgo=")


@pytest.mark.parametrize(
    "colour", ["#ffee00", "#000000", "#ffffff", "#1a56bf", "#ff0000", "#808080"]
)
def test_any_colour_can_be_read_in_both_themes(colour: str) -> None:
    made = accents(colour)

    def rgb(text: str) -> tuple[int, int, int]:
        return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)

    assert _contrast(rgb(made.light), (255, 255, 255)) >= CONTRAST
    assert _contrast(rgb(made.dark), (0x12, 0x15, 0x1B)) >= CONTRAST
    assert _contrast(rgb(made.light), rgb(made.light_ink)) >= CONTRAST
    assert _contrast(rgb(made.dark), rgb(made.dark_ink)) >= CONTRAST


async def test_an_open_portal_may_no_more_than_its_credential_may_now() -> None:
    async with pages() as p:
        auth = await p.s.add_org(7)
        v = await visitor(p, auth=auth)
        inboxes = "/console/portal/o/7/inboxes"
        assert (await v.post(inboxes, "name=x")).status == 303
        assert (await v.get("/console/portal/o/7/events")).status == 200
        await p.s.access.put("org7", "secret", ORG, platform=False, scopes="webhooks:read")
        assert (await v.post(inboxes, "name=y")).status in (401, 403)
        assert (await v.get("/console/portal/o/7/events")).status in (401, 403)
        await p.s.access.put("org7", "secret", ORG, platform=False, scopes="*")
        for path in ("/console/portal/o/7/access", "/console/portal/o/7/health"):
            assert (await v.get(path)).status in (401, 403), "nor more than its role"
