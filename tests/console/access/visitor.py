"""A visitor of the portal, who came by a link."""

import json
from typing import Any

from tests.api.control_client import Reply, basic, call
from tests.console.webhook_client import Pages
from tidings.console.place import form_token
from tidings.core.ids import OrgId

ORG = OrgId(7)

BODY = {
    "name": "Acme <b>Loyalty</b>",
    "role": "operator",
    "logo": "https://cdn.acme.example:8443/logo.png",
    "colour": "#FFEE00",
    "embedIn": ["https://app.acme.example", "http://localhost:3000"],
}


async def link(p: Pages, org: int = 7, auth: str = "", **more: Any) -> Reply:
    path = f"/v1/orgs/{org}/portal-links"
    return await call(
        p.app,
        "POST",
        path,
        json.dumps(BODY | more).encode(),
        {"authorization": auth or basic("boss", "s3cret"), "host": "127.0.0.1"},
    )


async def open_it(p: Pages, made: Reply, cookie: str = "", host: str = "127.0.0.1") -> Reply:
    path = "/console" + made.json["url"].partition("/console")[2]
    return await call(p.app, "GET", path, b"", {"host": host, "cookie": cookie})


class Visitor:
    """A browser that has opened a portal."""

    def __init__(self, p: Pages, opened: Reply) -> None:
        self._p = p
        self.cookie = opened.headers["set-cookie"].partition(";")[0]
        self.token = self.cookie.partition("=")[2]

    async def get(self, path: str, **headers: str) -> Reply:
        return await call(self._p.app, "GET", path, b"", {"cookie": self.cookie} | headers)

    async def post(self, path: str, body: str = "") -> Reply:
        sent = f"csrf={form_token(self.token, path)}&{body}".encode()
        headers = {
            "cookie": self.cookie,
            "content-type": "application/x-www-form-urlencoded",
            "content-length": str(len(sent)),
        }
        return await call(self._p.app, "POST", path, sent, headers)


async def visitor(p: Pages, **more: Any) -> Visitor:
    if p.s.orgs.get(ORG) is None:
        await p.s.add_org(7)
    made = await link(p, **more)
    assert made.status == 201, made.body
    return Visitor(p, await open_it(p, made))
