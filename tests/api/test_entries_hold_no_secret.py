"""Nothing that lets somebody in is in the audit log, whichever call it came by."""

import json
from typing import Any

from tests.api.control_client import BASIC, Reply, Service, basic, service
from tests.api.v1.access.user_calls import PASSWORD
from tidings.core.access.credential_rules import KINDS
from tidings.core.ids import OrgId
from tidings.errors import Denied

ORG = OrgId(7)
CREDENTIALS = set(KINDS)
MARK = "m4rk3d"
GIVEN = ("secret", "signingSecret", "token", "accessToken", "url")  # what answers show once


class Marked:
    """Calls with secrets that are known again, and the secrets that were given in return."""

    def __init__(self, s: Service) -> None:
        self._s = s
        self.secrets = {MARK, PASSWORD, "s3cret", "secret-of-a-till"}

    async def call(self, method: str, path: str, body: Any = None, auth: str = "") -> Reply:
        reply = await self._s.call(method, path, body, auth or basic("boss", "s3cret"))
        assert reply.status < 300, (method, path, reply.body)
        if reply.body:
            self._keep(json.loads(reply.body))
        return reply

    def _keep(self, value: Any) -> None:
        if isinstance(value, dict):
            for name, child in value.items():
                if name in GIVEN and isinstance(child, str):
                    self.secrets.add(child.partition("link=")[2] or child)
                self._keep(child)
        elif isinstance(value, list):
            for child in value:
                self._keep(child)


async def change_webhooks(m: Marked, auth: str) -> None:
    schemes = [
        {"type": "basic", "username": f"u-{MARK}", "password": f"{MARK} of basic"},
        {"type": "apiKey", "header": "X-Api-Key", "value": f"{MARK}-of-a-key"},
        {
            "type": "oauth2ClientCredentials",
            "tokenUrl": f"https://id.example.com/t?k={MARK}",
            "clientId": "brand",
            "clientSecret": f"{MARK} of a client",
        },
    ]
    body = BASIC | {
        "webHookUrl": f"https://crm.example.com/hook?key={MARK}&{MARK}",
        "webHookHeaders": {"X-Brand": f"Bearer {MARK}", "Cookie2": MARK},
        "signatures": ["v1", "v1a"],
    }
    made = await m.call("POST", "/v3/webHooks", body, auth)
    path = f"/v3/webHooks/{made.json['data']['webHookId']}"
    for scheme in schemes:
        await m.call("PATCH", path, {"authentication": scheme}, auth)
    await m.call("PATCH", path, {"webHookHeaders": {"X-Brand": f"another {MARK}"}}, auth)
    await m.call(
        "PUT", path, body | {"webHookUrl": f"https://crm.example.com/?k={MARK}&{MARK}"}, auth
    )
    await m.call("POST", f"{path}/rotateSecret", None, auth)
    await m.call("POST", f"{path}/disable", None, auth)
    await m.call("DELETE", path, None, auth)


async def change_access(s: Service, m: Marked, auth: str) -> None:
    at = "/v1/orgs/7/credentials"
    scopes = {"webhooks": "read"}
    till = {"kind": "till", "code": "till7", "password": "secret-of-a-till", "scopes": scopes}
    await m.call("POST", at, till, auth)
    for kind in CREDENTIALS - {"till"}:
        made = await m.call("POST", at, {"kind": kind, "name": "n", "scopes": scopes}, auth)
        await m.call("POST", f"{at}/{made.json['id']}/rotate", {"overlapInHours": 1}, auth)
    token, _ = s.access.token(made.json["id"], made.json["secret"], "192.0.2.1")
    m.secrets.add(token)
    users = "/v1/orgs/7/users"
    user = await m.call("POST", users, {"email": "a@acme.example", "role": "reader"}, auth)
    given = {"token": user.json["invitation"]["token"], "password": PASSWORD}
    await m.call("POST", "/v1/passwords", given)
    await m.call("POST", f"{users}/{user.json['id']}/link")
    changed = {"email": "a@acme.example", "currentPassword": PASSWORD, "password": f"{MARK} words"}
    await m.call("POST", "/v1/passwords", changed)
    logo = f"https://cdn.example/l.png?key={MARK}"
    await m.call("POST", "/v1/orgs/7/portal-links", {"name": "Acme", "logo": logo}, auth)
    signed = await s.sessions.by_password("a@acme.example", f"{MARK} words", "192.0.2.1")
    m.secrets |= {signed.token, signed.device}
    for name, word in ((f"{MARK}@x.example", "x"), ("a@acme.example", MARK), (MARK, MARK)):
        way = s.sessions.by_password if "@" in name else s.sessions.by_credential
        try:
            await way(name, word, "192.0.2.1")
        except Denied:
            continue
        raise AssertionError("it was let in")
    await s.call("GET", "/v1/caller", None, basic(MARK, MARK))


async def test_no_secret_that_was_sent_or_given_is_in_any_entry() -> None:
    async with service() as s:
        auth, m = await s.add_org(ORG), Marked(s)
        await change_webhooks(m, auth)
        await change_access(s, m, auth)
        await s.access_services.upkeep.write()
        rows = list(s.store.half.connection.execute("SELECT * FROM audit"))
        assert len(rows) > 25 and len(m.secrets) > 12
        kept = "\n".join(
            str(cell, "utf-8", "replace") if isinstance(cell, bytes) else str(cell)
            for row in rows
            for cell in row
        )
        assert MARK not in kept
        for secret in m.secrets - {MARK, "s3cret"}:
            assert secret not in kept and secret[-6:] not in kept, secret
        assert "$argon2" not in kept and "BEGIN" not in kept
