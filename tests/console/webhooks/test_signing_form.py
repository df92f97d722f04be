"""The console asks by which schemes a webhook signs, shows its public keys, and rotates them."""

import re

from tests.console.webhook_client import FORM, pages, text
from tidings.core.ids import OrgId

ORG = OrgId(7)
AT = "/console/o/7/webhooks"
BOTH = {"signing": "asked", "signatures": ["v1", "v1a"]}
PUBLIC = re.compile(r"whpk_[A-Za-z0-9+/]{43}=")


def keys_in(page: str) -> list[str]:
    return list(dict.fromkeys(PUBLIC.findall(page.replace("&#43;", "+"))))


async def test_the_schemes_are_ticks_and_the_public_key_stands_on_the_page() -> None:
    async with pages() as p:
        browser = await p.browser()
        form = text(await browser.get(f"{AT}/new"))
        assert 'name="signatures" value="v1" checked' in form
        assert 'name="signatures" value="v1a">' in form
        made = text(await browser.post(f"{AT}/new", FORM | BOTH | {"once": "a-key"}))
        (record,) = p.s.webhooks.list(ORG)
        [pair] = record.webhook.key_pairs
        assert keys_in(made) == [pair.shown] and "whsec_" in made
        at = f"{AT}/{record.webhook.id}"
        page = text(await browser.get(at))
        assert keys_in(page) == [pair.shown] and "Ed25519" in page
        assert 'value="v1a" checked' in text(await browser.get(f"{at}/edit"))
        rotated = text(await browser.post(f"{at}/rotate", {"overlapInHours": "2"}))
        newest, former = keys_in(rotated)
        assert former == pair.shown and "whsec_" in rotated
        assert keys_in(text(await browser.get(at))) == [newest, former]
        for ring in p.s.webhooks.list(ORG)[0].config.key_rings.values():
            assert not any(key.hex() in rotated for key in ring.keys)


async def test_of_a_webhook_that_signs_by_several_schemes_one_key_can_be_rotated() -> None:
    async with pages() as p:
        browser = await p.browser()
        webhook, _ = await p.webhook(signatures=["v1", "v1a"])
        at = f"{AT}/{webhook}/rotate"
        assert '<option value="v1a">v1a: Ed25519' in text(await browser.get(at))
        wrong = await browser.post(at, {"overlapInHours": "2", "scheme": "v2"})
        assert wrong.status == 400 and "scheme must be v1 or v1a" in text(wrong)
        rotated = text(await browser.post(at, {"overlapInHours": "2", "scheme": "v1a"}))
        assert "whsec_" not in rotated and len(keys_in(rotated)) == 2
        alone, _ = await p.webhook(name="alone")
        assert 'name="scheme"' not in text(await browser.get(f"{AT}/{alone}/rotate"))


async def test_of_a_webhook_that_signs_by_a_pair_alone_a_rotation_shows_no_secret() -> None:
    async with pages() as p:
        browser = await p.browser()
        webhook, _ = await p.webhook(signatures=["v1a"])
        rotated = text(await browser.post(f"{AT}/{webhook}/rotate", {"overlapInHours": "0"}))
        assert "whsec_" not in rotated and len(keys_in(rotated)) == 1


async def test_no_tick_is_refused_beside_the_ticks_and_a_form_that_does_not_ask_changes_none() -> (
    None
):
    async with pages() as p:
        browser = await p.browser()
        none = await browser.post(f"{AT}/new", FORM | {"once": "a-key", "signing": "asked"})
        assert none.status == 400 and "signatures must be a list of v1 and v1a" in text(none)
        webhook, _ = await p.webhook(signatures=["v1a"])
        edited = FORM | {"webhook": webhook, "version": "1", "name": "crm"}
        saved = await browser.post(f"{AT}/{webhook}/edit", edited)
        assert saved.status in (302, 303), text(saved)
        assert p.s.webhooks.get(ORG, webhook).config.settings.signatures == ("v1a",)
