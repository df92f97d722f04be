"""The page of reference data: how much of each kind there is, how old, and what an id gives."""

import re
from html import unescape
from urllib.parse import quote

from tests.api.control_client import basic, call
from tests.console.webhook_client import Pages, pages, text

AT = "/console/o/7/reference"
STRANGE = "a/b <i>"
ASHA = b'{"mobile": "15550100", "email": "asha@example.test"}'


async def load(p: Pages, org: int, kind: str, *ids: str) -> None:
    """Records as the API keeps them."""
    body = ASHA if kind == "customers" else b'{"code": "store.01"}'
    auth = {"authorization": basic("boss", "s3cret"), "x-tidings-org": str(org)}
    for id in ids:
        assert (await call(p.app, "PUT", f"/v1/reference/{kind}/{id}", body, auth)).status == 201


def rows(page: str) -> dict[str, str]:
    """The words of each row, by the kind."""
    found = re.findall(r'<tr id="([^"]*)">(.*?)</tr>', page, re.DOTALL)
    return {name: unescape(re.sub(r"\s*<[^>]+>\s*", " ", row)) for name, row in found}


async def test_each_kind_tells_how_many_records_the_org_has_and_when_they_changed() -> None:
    async with pages() as p:
        browser = await p.browser()
        await p.s.add_org(8)
        await load(p, 7, "customers", "41", "42")
        await load(p, 8, "stores", "1")
        page = text(await browser.get(AT))
        found = rows(page)
        assert list(found) == ["stores", "tills", "customers"]
        assert " 2 " in found["customers"] and "none" in found["stores"], "another org's"
        assert "All changes of customers" in found["customers"]
        assert "All changes" not in found["stores"]
        assert "/audit?kind=reference&amp;object=customers" in page
        assert "Nothing is loaded yet" not in page


async def test_an_org_without_reference_data_is_told_how_to_load_some() -> None:
    async with pages() as p:
        page = text(await (await p.browser()).get(AT))
        assert "tidings reference load customers customers.csv --org 7" in page


async def test_an_id_shows_its_record_and_one_without_says_that_there_is_none() -> None:
    async with pages() as p:
        browser = await p.browser()
        await load(p, 7, "customers", "41", STRANGE)
        for id in ("41", STRANGE):
            page = text(await browser.get(f"{AT}?kind=customers&id={quote(id)}"))
            assert '"mobile": "15550100"' in unescape(page) and STRANGE not in page
            assert "There is no such record" not in page
        for kind, id in (("customers", "43"), ("stores", "41")):
            page = text(await browser.get(f"{AT}?kind={kind}&id={id}"))
            assert "There is no such record" in page and "15550100" not in page


async def test_a_record_of_another_org_is_not_shown() -> None:
    async with pages() as p:
        browser = await p.browser()
        await p.s.add_org(8)
        await load(p, 8, "customers", "41")
        page = text(await browser.get(f"{AT}?kind=customers&id=41"))
        assert "There is no such record" in page and "15550100" not in page


async def test_what_is_no_id_or_no_kind_is_refused_at_its_field_in_the_words_of_the_api() -> None:
    async with pages() as p:
        browser = await p.browser()
        auth = {"authorization": basic("org7", "secret")}
        for kind, id, field in (("customers", "7" * 129, "id"), ("people", "41", "kind")):
            told = await browser.get(f"{AT}?kind={kind}&id={id}")
            refused = await call(p.app, "GET", f"/v1/reference/{kind}/{id}", b"", auth)
            assert told.status == refused.status == 400
            page = unescape(text(told))
            message = refused.json["error"]["message"].rpartition(" (")[0]
            assert f'id="h-{field}" role="alert">{message}' in page, (page, message)
            assert f'aria-describedby="h-{field}"' in page


async def test_when_it_changed_takes_the_scope_of_the_audit_log() -> None:
    async with pages() as p:
        browser = await p.browser(scopes="reference:read")
        await load(p, 7, "customers", "41")
        page = text(await browser.get(AT))
        assert " 1 " in rows(page)["customers"] and "All changes of" not in page
        assert "takes the scope admin:read" in page


async def test_the_audit_log_leads_to_the_page_for_a_change_of_reference_data() -> None:
    async with pages() as p:
        browser = await p.browser()
        await load(p, 7, "customers", "41")
        assert f'href="{AT}#customers"' in text(await browser.get("/console/o/7/audit"))
