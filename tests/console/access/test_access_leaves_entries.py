"""Forms of the console that let people in, or change who may come, leave entries by their face."""

from urllib.parse import urlencode

from tests.api.control_client import Reply, call
from tests.console.webhook_client import Pages, pages
from tests.engine.audit.kept_log import entries_of
from tidings.core.audit.entries import PLATFORM_CHAIN, AuditEntry
from tidings.core.ids import OrgId

ORG = OrgId(7)
ASHA, WORD = "asha@acme.example", "several words of mine"


async def send(p: Pages, path: str, **form: str) -> Reply:
    body = urlencode(form).encode()
    headers = {
        "host": "127.0.0.1",
        "origin": "http://127.0.0.1",
        "content-type": "application/x-www-form-urlencoded",
        "content-length": str(len(body)),
    }
    return await call(p.app, "POST", path, body, headers)


def of(p: Pages, chain: int, *kinds: str) -> list[AuditEntry]:
    return [change for change in entries_of(p.s.store, chain) if change.object_kind in kinds]


async def test_an_invitation_a_sign_in_and_a_refused_one_tell_of_their_address() -> None:
    async with pages() as p:
        await p.s.add_org(ORG)
        boss = p.s.access.caller_of("boss")
        user, link = await p.s.users.create(boss, ORG, {"email": ASHA, "role": "admin"})
        assert link is not None
        assert (await send(p, "/console/welcome", link=link.token, password=WORD)).status == 303
        accepted = of(p, ORG, "user")[-1]
        assert (accepted.action, accepted.actor, accepted.face) == (
            "user.accepted",
            user.person.id,
            "console",
        )
        assert accepted.address == "127.0.0.1"
        assert (await send(p, "/console/sign-in", name=ASHA, secret="wrong")).status == 401
        assert (await send(p, "/console/sign-in", name=ASHA, secret=WORD)).status == 303
        await p.s.access_services.upkeep.write()
        begun, refused = of(p, ORG, "session")
        assert (begun.action, begun.actor, begun.address) == (
            "session.begun",
            user.person.id,
            "127.0.0.1",
        )
        assert (refused.action, refused.object) == ("session.refused", user.person.id)


async def test_a_form_says_who_has_sent_it() -> None:
    async with pages() as p:
        browser = await p.browser(ORG)
        made = await browser.post(
            f"/console/o/{ORG}/access/credentials/new",
            {"name": "crm", "kind": "key", "scope-logs": "read"},
        )
        assert made.status == 200, made.body
        change = of(p, ORG, "credential")[-1]
        assert (change.action, change.actor, change.face) == (
            "credential.created",
            "org7",
            "console",
        )
        signed_out = await browser.post("/console/sign-out")
        assert signed_out.status == 303
        assert of(p, ORG, "session")[-1].action == "session.ended"
        assert of(p, PLATFORM_CHAIN, "session") == []


async def test_a_webhook_of_the_form_is_recorded_by_its_face() -> None:
    async with pages() as p:
        browser = await p.browser(ORG)
        webhook, _ = await p.webhook(ORG)
        at = f"/console/o/{ORG}/webhooks/{webhook}"
        assert (await browser.post(f"{at}/say", {"verb": "pause"})).status == 303
        assert (await browser.post(f"{at}/delete", {"name": "Acme CRM"})).status in (200, 303)
        paused = of(p, ORG, "webhook")[1]
        assert (paused.action, paused.actor, paused.face) == ("webhook.changed", "org7", "console")
