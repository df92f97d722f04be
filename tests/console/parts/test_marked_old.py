"""Every page asks for a sign of life, by the frame that all of them have: see tests/browser."""

import re
from pathlib import Path

from tests.api.control_client import call
from tests.console.webhook_client import pages, text
from tidings.console import frame

TEMPLATES = Path(frame.__file__).parent / "templates"


def test_every_page_stands_in_the_frame_that_asks() -> None:
    for template in TEMPLATES.glob("*.html"):
        if template.name != "base.html":
            assert template.read_text().startswith("{% extends 'base.html' %}"), template.name


async def test_a_page_asks_the_process_that_has_its_org_and_needs_no_session() -> None:
    async with pages() as p:
        browser = await p.browser()
        await p.webhook()
        for path in ("", "/webhooks", "/deliveries", "/events", "/inboxes", "/replays"):
            page = text(await browser.get(f"/console/o/7{path}"))
            assert re.findall(r'data-alive="([^"]*)"', page) == ["/console/o/7/alive"], path
        outside = text(await browser.get("/console/sessions"))
        assert re.findall(r'data-alive="([^"]*)"', outside) == ["/console/alive"]
        for asked in ("/console/o/7/alive", "/console/alive"):
            answer = await call(p.app, "GET", asked, b"", {"host": "127.0.0.1"})
            assert answer.status == 204 and "set-cookie" not in answer.headers
            assert answer.headers["cache-control"] == "no-store"
