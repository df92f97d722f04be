"""Sources and their forms as the tests of the console fill them."""

import json
import re
from html import unescape
from typing import Any

from tests.api.control_client import Reply, call
from tests.console.webhook_client import Pages, text
from tidings.core.ids import OrgId, show

ORG = OrgId(7)

AT = "/console/o/7/sources"

XSS = "\"><script>alert(1)</script>'{{7*7}}"

VALUE = "a value that is long"

STATIC = {"type": "header", "header": "X-Key", "value": VALUE}

MAPPING = {"eventName": {"path": "kind"}}


async def make(p: Pages, org: int = 7, **fields: Any) -> str:
    """A source of an org that admits every name; its path in the console."""
    await p.s.orgs.change(OrgId(org), {"settings": {"unknownTypes": "admitted"}}, platform=True)
    body = {"name": "shop", "verification": STATIC, "mapping": MAPPING} | fields
    live = await p.s.services.sources.sources.create(p.s.access.caller_of(f"org{org}"), body)
    return f"/console/o/{org}/sources/{live.id}"


async def send(p: Pages, body: object, **headers: str) -> Reply:
    """Somebody who is known sends to it."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {"x-key": VALUE} | {name.replace("_", "-"): header for name, header in headers.items()}
    return await call(p.app, "POST", "/in/7/shop", raw, named)


async def asides(p: Pages) -> list[str]:
    """The ids of what is set aside, the newest first."""
    live = p.s.services.sources.sources.get(ORG, "shop")
    page = await p.s.services.sources.sources.list_dead_letters(live, None, None, 100)
    return [show("asd", message.number) for message in page.messages]


async def filled(p: Pages, at: str, **more: str) -> dict[str, str]:
    """The fields of a source's form as a browser would send them, with some changed."""
    browser = await p.browser()
    page = text(await browser.get(f"{at}/edit"))
    fields = {
        name: unescape(value)
        for name, value in re.findall(
            r'<input id="f-[^"]*" name="([^"]+)"[^>]* value="([^"]*)"', page
        )
    }
    for name, inner in re.findall(
        r'<select id="f-[^"]*" name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL
    ):
        chosen = re.findall(r'value="([^"]*)" selected', inner)
        fields[name] = chosen[0] if chosen else ""
    for name, inner in re.findall(
        r'<textarea id="f-[^"]*" name="([^"]+)"[^>]*>(.*?)</textarea>', page, re.DOTALL
    ):
        fields[name] = unescape(inner)
    return fields | more
