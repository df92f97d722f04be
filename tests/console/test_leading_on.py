"""Whoever types the address of the service, or the console's with a slash, comes to the console."""

import pytest

from tests.api.control_client import call
from tests.console.webhook_client import pages


@pytest.mark.parametrize("path", ["/", "/console/"])
async def test_it_leads_on(path: str) -> None:
    async with pages() as p:
        told = await call(p.app, "GET", path, b"", {})
        assert (told.status, told.headers["location"]) == (302, "/console")
        there = await call(p.app, "GET", "/console", b"", {})
        assert there.headers["location"].startswith("/console/sign-in")
