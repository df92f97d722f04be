"""A browser in process, for the tests of the overview and of the webhooks' pages."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI

from tests.api.control_client import Reply, Service, call, service
from tests.api.one_app import control_app
from tidings.console.place import form_token
from tidings.console.routes import console_routes
from tidings.core.ids import OrgId, WebhookId
from tidings.store import port

FORM = {
    "name": "Acme CRM",
    "webHookUrl": "https://crm.example.com/hook",
    "methodType": "POST",
    "maxAllowedConnections": "10",
    "eventNames": "pointsIssued",
    "active": "on",
    "ordering": "none",
    "enrichmentWhenDown": "thin",
    "fieldsKind": "all",
}


class Browser:
    """Somebody who is signed in with a credential of an org."""

    def __init__(self, page: "Pages", token: str) -> None:
        self._page = page
        self.token = token
        self.cookie = f"__Host-tidings={token}"

    async def get(self, path: str, **headers: str) -> Reply:
        """A page; `hx_request="true"` asks for a part."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await call(self._page.app, "GET", path, b"", named | {"cookie": self.cookie})

    async def post(
        self, path: str, form: Mapping[str, str | Sequence[str]] | None = None, **headers: str
    ) -> Reply:
        """A form, with the token of session and address unless the form has another."""
        token = form_token(self.token, path)
        body = urlencode({"csrf": token} | dict(form or {}), doseq=True).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()} | {
            "cookie": self.cookie,
            "content-type": "application/x-www-form-urlencoded",
            "content-length": str(len(body)),
        }
        return await call(self._page.app, "POST", path, body, named)


class Pages:
    """A service with the console, and how its webhooks' receivers do."""

    def __init__(self, s: Service) -> None:
        self.s = s
        self.healths: dict[int, port.StoredHealth] = {}
        s.parts.delivery.engine.healths.shown = self.healths.get  # type: ignore[assignment, method-assign]

    @cached_property
    def app(self) -> FastAPI:
        """The application; made when it is first called, as many tests do not."""
        services = self.s.services
        app = control_app(services)
        app.router.routes.extend(console_routes(services, plain_http=True))
        return app

    async def browser(self, org: int = 7, scopes: str = "*") -> Browser:
        """Signed in with a fresh credential of the org."""
        await self.s.add_org(org, scopes)
        signed = await self.s.sessions.by_credential(f"org{org}", "secret", "127.0.0.1")
        return Browser(self, signed.token)

    async def platform(self) -> Browser:
        """Signed in with the platform's own credential."""
        signed = await self.s.sessions.by_credential("boss", "s3cret", "127.0.0.1")
        return Browser(self, signed.token)

    async def webhook(self, org: int = 7, **more: Any) -> tuple[WebhookId, int]:
        """A webhook of the org: its id and its number."""
        body: dict[str, Any] = {
            "name": "Acme CRM",
            "eventNames": ["pointsIssued"],
            "webHookUrl": "https://crm.example.com/hook",
            "maxAllowedConnections": 10,
        }
        record, _, _ = await self.s.webhooks.create(OrgId(org), body | more, "tests")
        return record.webhook.id, record.webhook.number


@asynccontextmanager
async def pages(**more: Any) -> AsyncIterator[Pages]:
    """A started service with its console; `more` as `Service` takes it."""
    async with service(**{"actions_org": 7} | more) as s:
        yield Pages(s)


def text(reply: Reply) -> str:
    """The page."""
    return reply.body.decode()
