"""Inboxes, replays, access, orgs, health: what is shown, done, refused, and kept from others."""

import re
from html import unescape
from urllib.parse import unquote

import pytest

from tests.api.control_client import call
from tests.api.log_client import accept, settle
from tests.console.webhook_client import Pages, pages, text
from tidings.core.access.scopes import RESOURCES
from tidings.core.delivery.states import State
from tidings.core.ids import OrgId
from tidings.store import port

ORG = OrgId(7)

XSS = "\"><script>alert(1)</script>'{{7*7}}"


def id_of(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


async def arrive(p: Pages, inbox: str, body: bytes, **headers: str) -> None:
    """Somebody sends to an inbox."""
    live = p.s.inboxes.get(ORG, inbox)
    token = p.s.inboxes.url(live).rpartition("/")[2]
    sent = {"content-type": "text/plain"} | {k.replace("_", "-"): v for k, v in headers.items()}
    assert (await call(p.app, "POST", f"/inbox/{token}", body, sent)).status < 600


# -- inboxes --------------------------------------------------------------------------------------


async def test_an_inbox_is_made_watched_answered_with_and_deleted() -> None:
    async with pages() as p:
        browser = await p.browser()
        assert "No inbox yet" in text(await browser.get("/console/o/7/inboxes"))
        made = await browser.post("/console/o/7/inboxes", {"name": "CRM"})
        at = made.headers["location"]
        inbox = at.rpartition("/")[2]
        page = text(await browser.get(at))
        url = p.s.inboxes.url(p.s.inboxes.get(ORG, inbox))
        assert url in page and "Nothing has arrived yet" in page
        assert "/console/o/7/webhooks/new?url=https%3A//tidings.example/inbox/" in page
        quiet = await browser.get(f"{at}?part=arrivals&newest=0", hx_request="true")
        assert quiet.status == 204 and "hx-refresh" not in quiet.headers

        await arrive(p, inbox, XSS.encode(), x_hostile=XSS)
        first = await browser.get(f"{at}?part=arrivals&newest=0", hx_request="true")
        assert first.headers["hx-refresh"] == "true"
        page = text(await browser.get(at))
        assert "<script>alert" not in page and "&lt;script&gt;alert" in page
        assert "missing" in page and "x-hostile" in page
        same = await browser.get(f"{at}?part=arrivals&newest=1", hx_request="true")
        assert same.status == 204

        wrong = await browser.post(at, {"name": "CRM", "status": "99", "body": "kept"})
        assert wrong.status == 400 and "answer.status must be" in unescape(text(wrong))
        assert ">kept</textarea>" in text(wrong)
        line = await browser.post(at, {"name": "CRM", "status": "200", "headers": "no colon"})
        assert "Each line must be a header" in text(line)
        form = {"name": "Shop", "status": "503", "delayMs": "0", "headers": "Retry-After: 9"}
        assert (await browser.post(at, form)).status == 303
        live = p.s.inboxes.get(ORG, inbox)
        assert live.stored.name == "Shop" and live.answer.status == 503
        assert live.answer.headers == (("Retry-After", "9"),)

        await p.webhook(webHookUrl=url)
        asked = await browser.post(f"{at}/delete")
        assert "1 webhook sends to it" in text(asked) and p.s.inboxes.list(ORG)
        assert (await browser.post(f"{at}/delete", {"sure": "yes"})).status == 303
        assert p.s.inboxes.list(ORG) == []


# -- replays --------------------------------------------------------------------------------------


async def test_a_replay_is_counted_first_then_started_watched_and_cancelled() -> None:
    async with pages() as p:
        browser = await p.browser()
        webhook, number = await p.webhook()
        for at in range(3):
            (delivery,) = await accept(p.s, id_of(at), [number], org=7)
            await settle(p.s, delivery, number, State.FAILED, status=400)
        assert "No replay yet" in text(await browser.get("/console/o/7/replays"))
        asked = await browser.get(f"/console/o/7/replays/new?step=count&webhook={webhook}&rate=1")
        page = text(asked)
        assert "This sends 3 requests to crm.example.com, about 3 s." in page
        assert "Replay 3 deliveries" in page
        assert await p.s.store.replays(ORG, 1 << 62, 10) == [], "counting starts nothing"

        started = await browser.post("/console/o/7/replays/new", {"webhook": webhook, "rate": "1"})
        there = started.headers["location"]
        shown = text(await browser.get(there))
        assert 'hx-trigger="every 2s"' in shown
        part = text(await browser.get(f"{there}?part=progress", hx_request="true"))
        assert "<html" not in part and 'name="step" value="cancel"' in part
        assert there in text(await browser.get("/console/o/7/replays"))
        assert (await browser.post(there, {"step": "cancel"})).status == 303
        late = await browser.post(there, {"step": "pause"})
        assert late.status == 409 and "for pause; it is cancelled" in text(late)
        ended = text(await browser.get(there))
        assert 'name="step"' not in ended


async def test_a_cancel_by_filter_says_its_count_and_what_cannot_be_asked_is_refused_in_place() -> (
    None
):
    async with pages() as p:
        browser = await p.browser()
        webhook, number = await p.webhook()
        await accept(p.s, id_of(1), [number], org=7)
        at = "/console/o/7/replays/new"
        page = text(await browser.get(f"{at}?kind=cancel&step=count&webhook={webhook}"))
        assert "This cancels 1 delivery, for good." in page
        open_end = await browser.get(f"{at}?kind=cancel&step=count")
        assert open_end.status == 400 and "A cancel must have a filter" in text(open_end)
        wrong = await browser.get(f"{at}?step=count&webhook={webhook}&rate=zz&from=soon")
        page = unescape(text(wrong))
        assert wrong.status == 400 and 'got "zz"' in page and 'value="soon"' in page
        assert "from must be a time" in page


async def test_the_stop_switch_says_what_it_does_and_does_it() -> None:
    async with pages() as p:
        browser = await p.browser()
        _, number = await p.webhook()
        await accept(p.s, id_of(1), [number], org=7)
        page = text(await browser.get("/console/o/7/stop"))
        assert "1 delivery is unfinished" in page and "nothing is lost" in page
        assert "All orgs" not in page
        assert (await browser.post("/console/o/7/stop", {"do": "stop"})).status == 303
        assert p.s.stops.is_stopped(ORG) and not p.s.stops.is_stopped(OrgId(8))
        assert "Start sending for" in text(await browser.get("/console/o/7/stop"))
        await browser.post("/console/o/7/stop", {"do": "start"})
        assert not p.s.stops.is_stopped(ORG)
        assert (await browser.get("/console/stop-all")).status == 403
        assert (await browser.post("/console/stop-all", {"do": "stop"})).status == 403
        await browser.post("/console/o/7/stop", {"do": "stop", "all": "on"})
        assert p.s.stops.is_stopped(ORG) and not p.s.stops.is_stopped(OrgId(8)), (
            "it is of the org alone"
        )
        platform = await p.platform()
        assert "1 org is stopped by a switch" in text(await platform.get("/console/stop-all"))
        await platform.post("/console/stop-all", {"do": "stop"})
        assert p.s.stops.is_stopped(OrgId(8))
        await platform.post("/console/stop-all", {"do": "start"})
        assert p.s.stops.is_stopped(ORG) and not p.s.stops.is_stopped(OrgId(8))


# -- credentials and users ------------------------------------------------------------------------


async def test_a_credential_is_made_shown_once_rotated_and_revoked() -> None:
    async with pages() as p:
        browser = await p.browser()
        at = "/console/o/7/access/credentials"
        form = {"kind": "key", "name": XSS, "scope-events": "write", "eventsPerSecond": "5"}
        made = text(await browser.post(f"{at}/new", form))
        (secret,) = set(re.findall(r"tds_[0-9a-z]+", made))
        (key,) = set(re.findall(r"tdk_[0-9a-z]+", made))
        assert p.s.access.prove(key, secret) is not None
        listed = text(await browser.get("/console/o/7/access"))
        assert key in listed and secret not in listed and "<script>alert" not in listed
        assert "events write" in listed

        wrong = await browser.post(f"{at}/{key}/rotate", {"overlapInHours": "many"})
        assert wrong.status == 400 and "overlapInHours must be" in text(wrong)
        rotated = text(await browser.post(f"{at}/{key}/rotate", {"overlapInHours": "1"}))
        (newer,) = set(re.findall(r"tds_[0-9a-z]+", rotated)) - {secret}
        assert p.s.access.prove(key, newer) and p.s.access.prove(key, secret)
        assert "It ends at once and permanently" in text(await browser.get(f"{at}/{key}/revoke"))
        assert (await browser.post(f"{at}/{key}/revoke")).status == 303
        assert p.s.access.prove(key, newer) is None


async def test_a_credential_whose_time_is_over_says_so() -> None:
    async with pages() as p:
        browser = await p.browser()
        form = {"kind": "key", "name": "soon", "expiresAt": "2026-02-11T09:16:00Z"}
        await browser.post("/console/o/7/access/credentials/new", form)
        words = []
        for more_ms in (0, 59_999, 1):  # it is 09:15:00 now
            p.s.clock.ms += more_ms
            listed = text(await browser.get("/console/o/7/access"))
            row = listed.partition("soon")[2].partition("</tr>")[0]
            words.append("expired" if "expired" in row else "active")
        assert words == ["active", "active", "expired"]


async def test_nobody_gives_more_than_they_hold() -> None:
    async with pages() as p:
        browser = await p.browser(scopes="admin:write")
        at = "/console/o/7/access/credentials/new"
        assert 'aria-label="events: write"' not in text(await browser.get(at))
        answer = await browser.post(at, {"kind": "key", "scope-events": "write"})
        assert answer.status == 403 and "must stay within those" in text(answer)
        invited = await browser.post(
            "/console/o/7/access/users/new", {"email": "a@b.example", "role": "operator"}
        )
        assert invited.status == 403 and "must not allow more" in text(invited)


async def test_somebody_is_invited_sets_a_password_and_is_given_another_role() -> None:
    async with pages() as p:
        browser = await p.browser()
        wrong = await browser.post("/console/o/7/access/users/new", {"email": "none"})
        assert wrong.status == 400 and "email must be an address" in text(wrong)
        form = {"email": "asha@acme.example", "name": XSS, "role": "operator"}
        made = text(await browser.post("/console/o/7/access/users/new", form))
        (link,) = set(re.findall(r"lnk_[0-9a-z]+", made))
        (user,) = p.s.users.list(ORG)
        opened = text(await browser.get(f"/console/welcome?link={link}"))
        assert link in opened
        short = await browser.post("/console/welcome", {"link": link, "password": "short"})
        assert short.status == 400 and "password must be" in text(short)
        words = {"link": link, "password": "several words of mine"}
        assert (await browser.post("/console/welcome", words)).status == 303
        assert (await browser.post("/console/welcome", words)).status == 400, "it is used up"
        assert p.s.users.get(ORG, user.person.id).status == "active"

        at = f"/console/o/7/access/users/{user.person.id}"
        assert "<script>alert" not in text(await browser.get(at))
        await browser.post(at, {"do": "save", "name": "Asha", "role": "reader"})
        assert p.s.users.get(ORG, user.person.id).member.role == "reader"
        await browser.post(at, {"do": "disable"})
        assert p.s.users.get(ORG, user.person.id).status == "disabled"
        await browser.post(at, {"do": "enable"})
        reset = await browser.post(at, {"do": "link"})
        assert reset.status == 403 and "Ask the operator" in text(reset)
        await browser.post(at, {"do": "remove"})
        assert p.s.users.list(ORG) == []


# -- orgs and health ------------------------------------------------------------------------------


async def test_an_orgs_settings_are_changed_but_for_what_is_the_operators() -> None:
    async with pages() as p:
        browser = await p.browser()
        page = text(await browser.get("/console/o/7/settings"))
        assert "payloadDays" not in page and "bodies 30 days" in page
        form = {
            "name": "Acme",
            "timeZone": "Asia/Kolkata",
            "validation": "lenient",
            "unknownTypes": "admitted",
            "byType": "pointsIssued = strict",
            "payloadDays": "3000",
            "notify": "ops@acme.example",
        }
        assert (await browser.post("/console/o/7/settings", form)).status == 303
        settings = p.s.orgs.settings(ORG)
        assert settings.validation == "lenient" and settings.retention.payload_days == 30
        assert settings.validation_by_type == {"pointsIssued": "strict"}
        await browser.post("/console/o/7/settings", form | {"byType": ""})
        assert p.s.orgs.settings(ORG).validation_by_type == {}, "an emptied line takes it away"
        wrong = await browser.post("/console/o/7/settings", form | {"timeZone": "Mars"})
        assert wrong.status == 400 and "timeZone must be" in text(wrong)
        assert "Your orgs" in text(await browser.get("/console/orgs"))


async def test_the_platform_makes_orgs_and_works_in_them() -> None:
    async with pages() as p:
        browser = await p.platform()
        form = {"name": "Fresh", "id": "77", "timeZone": "UTC", "payloadDays": "12"}
        form |= {"validation": "strict", "unknownTypes": "refused", "metadataDays": "90"}
        made = await browser.post("/console/orgs/new", form)
        assert made.headers["location"] == "/console/o/77/settings"
        assert p.s.orgs.settings(OrgId(77)).retention.payload_days == 12
        again = await browser.post("/console/orgs/new", form)
        assert again.status == 400 and "id must be new" in text(again)
        assert "Fresh (77) was created." in unquote(made.headers["set-cookie"])
        listed = text(await browser.get("/console/orgs?q=fresh"))
        assert '<a data-row href="/console/o/77">Fresh</a>' in listed
        assert "Fresh <b>77</b>" in text(await browser.get("/console/o/77/webhooks"))


async def test_an_org_is_made_without_an_id_beside_one_with_the_last_of_all() -> None:
    async with pages() as p:
        browser = await p.platform()
        form = {"timeZone": "UTC", "payloadDays": "12", "metadataDays": "90"}
        form |= {"validation": "strict", "unknownTypes": "refused", "id": ""}
        for number in ("9007199254740991", "", ""):
            made = await browser.post("/console/orgs/new", form | {"name": "A", "id": number})
            assert made.status == 303, text(made)
        assert len(p.s.orgs.all()) == len({org.id for org in p.s.orgs.all()}) >= 4
        over = form | {"name": "A", "id": "9007199254740992"}
        refused = await browser.post("/console/orgs/new", over)
        assert refused.status == 400 and "from 1 to 9007199254740991" in text(refused)


async def test_health_puts_what_is_wrong_first_and_lists_open_breakers_of_the_org() -> None:
    async with pages() as p:
        browser = await p.browser()
        _, number = await p.webhook()
        _, others = await p.webhook(8) if p.s.orgs.get(OrgId(8)) else await _other(p)
        now = p.s.clock.ms
        for count in (number, others):
            p.healths[count] = port.StoredHealth(count, now - 60_000, 12, "503", 1, now + 41_000)
        page = text(await browser.get("/console/o/7/health"))
        assert "The service accepts" in page and page.count("12 in a row") == 1
        p.s.health.sentences.append("The store must take writes; it refuses: full.")
        part = text(await browser.get("/console/o/7/health?part=now", hx_request="true"))
        assert "it refuses: full" in part and "The service accepts" not in part
        assert "<html" not in part


async def _other(p: Pages) -> tuple[str, int]:
    await p.browser(8)
    return await p.webhook(8, name="Theirs")


# -- who may what ---------------------------------------------------------------------------------

READ = (
    ("/console/o/7/inboxes", "logs:read"),
    ("/console/o/7/sources", "sources:read"),
    ("/console/o/7/sources/new", "sources:write"),
    ("/console/o/7/replays", "replay:read"),
    ("/console/o/7/replays/new", "replay:write"),
    ("/console/o/7/stop", "admin:read"),
    ("/console/o/7/access", "admin:read"),
    ("/console/o/7/access/credentials/new", "admin:write"),
    ("/console/o/7/access/users/new", "admin:write"),
    ("/console/o/7/settings", "admin:read"),
    ("/console/o/7/health", "admin:read"),
)
WRITTEN = tuple(
    f"/console/o/7/{page}"
    for page in (
        *("inboxes", "sources/new", "sources/try", "replays/new", "stop", "settings"),
        *("access/credentials/new", "access/users/new"),
    )
)


@pytest.mark.parametrize(("path", "scope"), READ)
async def test_a_page_is_there_for_its_scope_and_for_no_other(path: str, scope: str) -> None:
    async with pages() as p:
        resource, _, level = scope.partition(":")
        others = [f"{text}:write" for text in RESOURCES if text != resource]
        others += [f"{resource}:read"] * (level == "write")
        assert (await (await p.browser(scopes=scope)).get(path)).status == 200
        denied = await (await p.browser(scopes=" ".join(others))).get(path)
        assert denied.status == 403 and scope in text(denied)


async def test_a_reader_changes_nothing_and_is_offered_nothing() -> None:
    async with pages() as p:
        reader = await p.browser(scopes=" ".join(f"{text}:read" for text in RESOURCES))
        for path in WRITTEN:
            assert (await reader.post(path, {"name": "x", "do": "stop"})).status == 403, path
        for path in ("/console/o/7/inboxes", "/console/o/7/replays", "/console/o/7/access"):
            page = text(await reader.get(path))
            forms = re.findall(r'<form method="post" action="([^"]*)"', page)
            assert set(forms) <= {"/console/sign-out"}, path
            assert "/new" not in page.partition("<main")[2], path


async def test_what_is_another_orgs_is_not_there() -> None:
    async with pages() as p:
        mine, theirs = await p.browser(), await p.browser(8)
        webhook, _ = await p.webhook(8)
        inbox = (await theirs.post("/console/o/8/inboxes")).headers["location"]
        replay = (await theirs.post("/console/o/8/replays/new", {"webhook": webhook})).headers
        form = {"email": "a@b.example", "role": "reader"}
        await theirs.post("/console/o/8/access/users/new", form)
        (user,) = p.s.users.list(OrgId(8))
        paths = [
            *(inbox, replay["location"], f"/console/o/8/access/users/{user.person.id}"),
            *("/console/o/8/settings", "/console/o/8/access/credentials/org8/rotate"),
            *("/console/o/8/access/credentials/boss/revoke", f"{inbox}/delete"),
        ]
        sure = {"do": "remove", "sure": "yes", "step": "cancel"}
        for path in paths:
            assert (await mine.post(path, sure)).status == 403, path
            if not path.endswith("/delete"):
                assert (await mine.get(path)).status == 403, path
            if path.endswith("/settings"):
                continue  # an org has them itself
            own = path.replace("/o/8/", "/o/7/")
            assert (await mine.post(own, sure)).status == 404, own
            if not path.endswith("/delete"):
                assert (await mine.get(own)).status == 404, own
        assert p.s.inboxes.list(OrgId(8)) and p.s.users.list(OrgId(8))
