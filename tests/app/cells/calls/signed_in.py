"""Visitors of the console of two workers, and of a service that is the only cell."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple
from urllib.parse import urlencode

from tests.api.control_client import Service, call, service
from tests.app.cells.calls.two_workers import PLATFORM, Answer, TwoWorkers, Worker
from tests.console.webhook_client import Pages
from tidings.console.place import form_token
from tidings.core.ids import OrgId

FORM = {"content-type": "application/x-www-form-urlencoded", "origin": "http://a"}
BOTH, ONE_ORG = "both@example.com", "one@example.com"
PASSWORD, OTHER_PASSWORD = "correct horse battery", "another staple entirely"
OF_CREDENTIAL = {"platform": ("boss", "s3cret"), "org": ("org7", "secret")}


class Visitor(NamedTuple):
    """A browser with a session, or without one."""

    token: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """Its cookie."""
        return {"cookie": f"tidings={self.token}"} if self.token else {}

    def form(self, path: str, fields: Mapping[str, str] | None = None) -> bytes:
        """The body of a form of a page of its session."""
        token = form_token(self.token, path.partition("?")[0])
        return urlencode({"csrf": token} | dict(fields or {})).encode()


async def invite(s: Service, org: int, email: str, password: str) -> None:
    """Have somebody be invited and accept by a password."""
    caller = s.access.caller(PLATFORM.encode(), None)
    body = {"email": email, "name": "Ann", "role": "admin"}
    _, link = await s.users.create(caller, OrgId(org), body)
    assert link is not None
    await s.access_services.everywhere.open_link(link.token, password)


async def people(of_org: Mapping[int, Service]) -> None:
    """One person is a user of org 7, another one of 7 and 8 by one password."""
    await invite(of_org[7], 7, ONE_ORG, PASSWORD)
    await invite(of_org[7], 7, BOTH, PASSWORD)
    await invite(of_org[8], 8, BOTH, PASSWORD)


async def people_of(both: TwoWorkers) -> None:
    """The same where the orgs are in two cells."""
    first, second = (worker.service for worker in both.workers)
    await people({7: first, 8: second})


@asynccontextmanager
async def only_cell() -> AsyncIterator[Pages]:
    """The orgs and people of two workers in one service."""
    async with service() as s:
        for org, parent in ((7, None), (8, None), (9, 8)):
            await s.add_org(org, parent=parent)
        await people({7: s, 8: s})
        yield Pages(s)


async def sent(
    worker: Worker, visitor: Visitor, path: str, fields: Mapping[str, str] | None = None
) -> Answer:
    """Send a form."""
    body = visitor.form(path, fields)
    return await worker.call("POST", path, body, auth=None, headers=FORM | visitor.headers)


async def shown(worker: Worker, visitor: Visitor, path: str) -> Answer:
    """Ask for a page."""
    return await worker.call("GET", path, auth=None, headers=visitor.headers)


async def sign_in(worker: Worker, name: str, secret: str) -> Visitor | None:
    """Sign in by the form; None where that is refused."""
    fields = {"name": name, "secret": secret}
    status, headers, _ = await sent(worker, Visitor(), "/console/sign-in", fields)
    return None if status == 401 else _visitor(status, headers)


def _visitor(status: int, headers: Mapping[str, str]) -> Visitor:
    assert status == 303, (status, headers)
    found = re.search(r"(?:__Host-)?tidings=(tsn_\w+)", headers["set-cookie"])
    assert found is not None
    return Visitor(found[1])


async def visitor_at(worker: Worker, who: str) -> Visitor:
    """Sign in as one of `WHO` at a process."""
    if who == "stranger":
        return Visitor()
    name, secret = OF_CREDENTIAL.get(who, ({"both": BOTH, "one": ONE_ORG}.get(who), PASSWORD))
    assert name is not None
    found = await sign_in(worker, name, secret)
    assert found is not None
    return found


async def visitor_of(pages: Pages, who: str) -> Visitor:
    """The same at the only cell."""
    if who == "stranger":
        return Visitor()
    sessions = pages.s.sessions
    if who in OF_CREDENTIAL:
        return Visitor((await sessions.by_credential(*OF_CREDENTIAL[who], "127.0.0.1")).token)
    email = BOTH if who == "both" else ONE_ORG
    return Visitor((await sessions.by_password(email, PASSWORD, "127.0.0.1")).token)


async def at_only_cell(
    pages: Pages, visitor: Visitor, method: str, path: str, fields: Mapping[str, str] | None = None
) -> Answer:
    """Make the call of a visitor at the only cell."""
    body = visitor.form(path, fields) if method == "POST" else b""
    headers = visitor.headers | {"host": "a"}
    if method == "POST":
        headers |= FORM | {"content-length": str(len(body))}
    reply = await call(pages.app, method, path, body, headers)
    return reply.status, reply.headers, reply.body


WHO = ("platform", "org", "one", "both", "stranger")
