"""What strangers write is never markup: every page of an org, read as markup is, has no element
and no attribute that a name, a path or a key of theirs has made."""

import json
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from tests.api.control_client import call
from tests.api.log_client import accept, settle
from tests.console.crawl import ROUTES, Known, event_of, furnish, run, walk
from tests.console.webhook_client import Browser, Pages, pages, text
from tidings.console.routes import OF_AN_ORG
from tidings.core.delivery import State
from tidings.store import port

MARK = "zqx"  # in every one, and in nothing that is ours
STRANGE = {
    "an element": f"<img src={MARK} onerror=alert(1)>",
    "the end of an attribute": f"\"'><script>{MARK}</script>",
    "an address": f"javascript:alert('{MARK}')",
    "a template": f"{{{{7*7}}}}{MARK}{{% raw %}}",
    "an attribute": f"' autofocus onfocus='{MARK}' x='",
    "the end of a block": f"--></textarea></title></script></pre><{MARK}>",
    "a long one": "<b>" + MARK * 83,
}
UNLINKED = ("/find", "/events/rejected", "/tail/stream")  # forms and streams lead there
ADDRESSES = {"href", "src", "action", "formaction", "data-stream", "data-base", "hx-get", "hx-post"}
CONTENTS = {"value", "title", "placeholder", "data-confirm", "data-copy", "content", "aria-label"}


class Markup(HTMLParser):
    """What of a page is markup: its elements, attributes, and where its addresses lead."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if MARK in tag or not tag.isascii():
            self.faults.append(f"element {tag}")
        for name, value in attrs:
            said = value or ""
            if MARK in name or name.startswith("on") or name in ("srcdoc", "autofocus", "style"):
                if (tag, name) != ("input", "autofocus") or MARK in said:
                    self.faults.append(f"attribute {tag} {name}={said[:60]}")
            if MARK not in said:
                continue
            if name in ADDRESSES and urlsplit(said.strip()).scheme not in ("", "http", "https"):
                self.faults.append(f"address {tag} {name}={said[:60]}")
            if name not in ADDRESSES | CONTENTS and not name.startswith(("data-", "aria-")):
                self.faults.append(f"attribute {tag} {name}={said[:60]}")
        if tag in ("script", "style") and not dict(attrs).get("src") and tag == "script":
            if dict(attrs).get("type") not in ("application/json",):
                self.faults.append("a script in the page")

    def handle_comment(self, data: str) -> None:
        if MARK in data:
            self.faults.append(f"comment {data[:60]}")

    def handle_decl(self, decl: str) -> None:
        if MARK in decl:
            self.faults.append(f"declaration {decl[:60]}")


async def fill(p: Pages, name: str) -> Known:
    """An org where whatever a stranger may name is named so."""
    known = await furnish(p, 7, f"Acme {name}"[:100])
    plain = name.encode("ascii", "replace").decode()
    live, _ = await p.s.inboxes.create(7, {"name": name[:60], "answer": {"body": name}})
    headers = {f"X-Evil{at}": plain for at in range(2)}
    body = {"webHookHeaders": headers, "name": f"Hook {name}"[:50]}
    await p.webhook(7, **body | {"webHookUrl": f"https://crm.example.com/{quote(name)}?{MARK}"})
    number = known.number
    data = {"data": {name[:250]: {name[:250]: [name]}, "customerIdentifiers": {"firstName": name}}}
    one = {"eventName": "pointsIssued", "eventId": f"e {name}"[:60], "orgId": 7} | data
    event = port.NewEvent(7, one["eventName"], one["eventId"], b"12345678",
        json.dumps(one | {"refId": name, "apiRequestId": name}).encode(), b"", None,
        [port.NewDelivery(number, 1)])  # fmt: skip
    await p.s.store.commit(port.Batch(p.s.registry.version, [event]))
    (late,) = await accept(p.s, event_of(7, 77), [number], org=7, ref=name, request=name)
    await settle(p.s, late, number, State.FAILED, status=400)
    for at, sent in enumerate(({name: name}, {"totalPointsIssued": name}, name)):
        raw = json.dumps({"eventName": name[:128] if at == 2 else "pointsIssued", "data": sent})
        came = await p.s.services.readmission.take(7, raw.encode())
        assert not isinstance(came, tuple)
        await p.s.store.commit(
            port.Batch(
                p.s.registry.version,
                rejections=[
                    port.NewRejection(
                        7, came.name, came.event_id, came.code, came.message,
                        f"data.{name[:250]}", came.body,
                    )
                ],
            )
        )  # fmt: skip
    token = p.s.inboxes.url(live).rpartition("/")[2]
    sent = {"content-type": plain, "x-" + MARK: plain, "user-agent": plain}
    await call(p.app, "POST", f"/inbox/{token}", name.encode(), sent)
    boss = p.s.access.caller_of("boss")
    await p.s.users.create(boss, 7, {"email": "z@a.example", "name": name[:100], "role": "reader"})
    made = await p.s.call(
        "POST", "/v1/orgs/7/credentials",
        {"name": name[:60], "kind": "key", "scopes": {"logs": "read"}},
    )  # fmt: skip
    assert made.status in (201, 400), made.body
    schema: dict[str, Any] = {
        "properties": {name[:250]: {"description": name, "x-pii": name, "enum": [name]}}
    }
    await p.s.event_types.put(7, "strangeVisit", {"description": name, "schema": schema})
    return known


async def every_page(p: Pages, browser: Browser, base: str, name: str) -> dict[str, str]:
    """What each page of the org says: all that links lead to, and each asked for by the name."""
    said = quote(name, safe="")
    found = {}
    paths = list(await walk(browser, base, base))
    taken = {route for route, one in ROUTES.items() for at in paths
             if one.fullmatch(at.partition("?")[0].removeprefix(base))}  # fmt: skip
    gets = [route for method, route, _, _ in OF_AN_ORG if method == "GET"]
    assert set(gets) - taken <= set(UNLINKED), "a page that no link leads to"
    for route in gets:
        if route == "/tail/stream":
            continue
        at = base + route
        for part in ("{name}", "{id}"):
            at = at.replace(part, said)
        keys = "q type event request from to url name types search part step state kind webhook"
        paths.append(at + "?" + "&".join(f"{key}={said}" for key in keys.split()))
    for at in paths:
        reply = await browser.get(at)
        assert reply.status < 500, at
        found[at] = text(reply)
    return found


NAMES = {  # few: each is a walk through all pages
    "all that breaks out": "".join(one for key, one in STRANGE.items() if key != "an address"),
    "an address": STRANGE["an address"],
}


@pytest.mark.parametrize("what", NAMES)
def test_nothing_that_strangers_write_is_markup_on_any_page(what: str) -> None:
    name = NAMES[what]

    async def scenario() -> None:
        async with pages() as p:
            await fill(p, name)
            shown = await every_page(p, await p.platform(), "/console/o/7", name)
            assert sum(MARK in page for page in shown.values()) > 20, "it is shown at all"
            faults = {at: found for at, page in shown.items() if (found := Markup(page).faults)}
            assert faults == {}

    run(scenario())


@pytest.mark.parametrize("page", [
    f"<p>{STRANGE['an element']}</p>", f'<a href="{STRANGE["an address"]}">x</a>',
    f'<input value="{STRANGE["the end of an attribute"]}">',
    f"<input value='{STRANGE['an attribute']}'>",
    f"<pre>{STRANGE['the end of a block']}</pre>", f"<!-- {MARK} -->",
])  # fmt: skip
def test_markup_of_a_stranger_would_be_seen(page: str) -> None:
    assert Markup(page).faults
