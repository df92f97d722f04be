"""Coming in: behind a proxy, from pages of others, by links; and what a sign-in leaves behind."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.api.control_client import call, scope_of
from tests.api.one_app import control_app
from tests.console.webhook_client import Pages, pages
from tidings.api.http.front import Front
from tidings.console.place import form_token
from tidings.console.routes import console_routes
from tidings.core.access.forwarded import Proxies
from tidings.core.ids import OrgId
from tidings.errors import Denied

PUBLIC = "https://tidings.example"
EVIL = {"origin": "https://evil.example"}
ASHA, WORD = "asha@acme.example", "several words of mine"


class Answer:
    """Status, headers and the cookies that were set."""

    def __init__(self, start: dict[str, Any], body: bytes) -> None:
        self.status: int = start["status"]
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}
        self.cookies: dict[str, tuple[str, str]] = {}
        for name, value in start["headers"]:
            if name == b"set-cookie":
                key, _, rest = value.decode().partition("=")
                self.cookies[key] = (rest.partition(";")[0], rest.partition(";")[2])
        # Each as it was set, also where a name is set twice.
        self.set_cookies = [
            value.decode() for name, value in start["headers"] if name == b"set-cookie"
        ]
        self.text = body.decode()


class Served:
    """The console as it is served: behind the front, which may trust a proxy."""

    def __init__(self, p: Pages, trusted: str = "", public: str = "", dev: bool = False) -> None:
        self.p, self.s = p, p.s
        web = replace(p.s.services.web, public_url=public)
        services = replace(p.s.services, web=web)
        app = control_app(services)
        app.router.routes.extend(console_routes(services, plain_http=dev))
        proxies = Proxies([ip_network(trusted)] if trusted else [])
        self._app = Front(proxies, public).around(app)

    async def ask(
        self,
        method: str,
        path: str,
        form: dict[str, str] | None = None,
        peer: str = "127.0.0.1",
        **headers: str,
    ) -> Answer:
        body = b"" if form is None else urlencode(form).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if form is not None:
            named |= {
                "content-type": "application/x-www-form-urlencoded",
                "content-length": str(len(body)),
            }
        sent: list[Any] = []
        asked = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> Any:
            return next(asked, {"type": "http.disconnect"})

        async def send(message: Any) -> None:
            sent.append(message)

        scope = scope_of(method, path, named) | {"client": (peer, 1)}
        await self._app(scope, receive, send)
        return Answer(sent[0], b"".join(row.get("body", b"") for row in sent[1:]))

    async def sign_in(self, key: str = "boss", secret: str = "s3cret", **headers: str) -> Answer:
        form = {"name": key, "secret": secret, "to": "/console/webhooks"}
        return await self.ask("POST", "/console/sign-in", form, **headers)


@asynccontextmanager
async def served(**how: Any) -> AsyncIterator[Served]:
    async with pages() as p:
        yield Served(p, **how)


def at(host: str, **more: str) -> dict[str, Any]:
    return {"host": host} | more


TOLD = {"x_forwarded_for": "198.51.100.7", "x_forwarded_proto": "https"}
NGINX = at("tidings.example", origin=PUBLIC, sec_fetch_site="same-origin", **TOLD)


@pytest.mark.parametrize(
    ("how", "headers", "secure", "address"),
    [
        # as docs/running.md says it
        ({"trusted": "127.0.0.1", "public": PUBLIC}, NGINX, True, "198.51.100.7"),
        ({"trusted": "127.0.0.1"}, NGINX, True, "198.51.100.7"),
        ({"public": PUBLIC}, NGINX, True, "127.0.0.1"),
        # a proxy that names the host apart, or not at all
        (
            {"trusted": "127.0.0.0/8"},
            NGINX | {"host": "127.0.0.1:8080", "x_forwarded_host": "tidings.example"},
            True,
            "198.51.100.7",
        ),
        (
            {"trusted": "127.0.0.1", "public": PUBLIC},
            NGINX | {"host": "127.0.0.1:8080"},
            True,
            "198.51.100.7",
        ),
        ({"public": PUBLIC + "/"}, at("127.0.0.1:8080", origin=PUBLIC), True, "127.0.0.1"),
        ({"public": PUBLIC}, at("backend", origin=PUBLIC), True, "127.0.0.1"),
        (
            {"trusted": "127.0.0.1"},
            at(
                "backend",
                origin="https://tidings.example:8443",
                forwarded='for="[2001:db8::7]:99";proto=https;host="tidings.example:8443"',
            ),
            True,
            "2001:db8::7",
        ),
        # on the machine itself, straight to the port
        ({"public": PUBLIC}, at("127.0.0.1:80", origin="http://127.0.0.1"), True, "127.0.0.1"),
        ({}, at("localhost:8080", origin="http://localhost:8080"), True, "127.0.0.1"),
        ({}, at("[::1]:8080", origin="http://[::1]:8080"), True, "127.0.0.1"),
        ({"dev": True}, at("10.0.0.5:8080", origin="http://10.0.0.5:8080"), False, "127.0.0.1"),
        # a client that is no browser
        ({}, at("127.0.0.1:8080"), True, "127.0.0.1"),
    ],
)  # fmt: skip
async def test_people_sign_in_work_and_get_safe_cookies(
    how: dict[str, Any], headers: dict[str, Any], secure: bool, address: str
) -> None:
    async with served(**how) as c:
        form = await c.ask("GET", "/console/sign-in?to=/console/webhooks", **headers)
        assert form.status == 200
        done = await c.sign_in(**headers)
        assert (done.status, done.headers["location"]) == (303, "/console/webhooks"), done.text
        name = "__Host-tidings" if secure else "tidings"
        token, attributes = done.cookies[name]
        for part in ("HttpOnly", "Path=/", "SameSite=Lax"):
            assert part in attributes
        assert ("Secure" in attributes) is secure and "Domain" not in attributes
        https = "https" in str(headers) + str(how) and headers["host"] not in (
            "127.0.0.1:8080",
            "127.0.0.1:80",
        )
        told = "x_forwarded_proto" in headers and "trusted" in how
        assert ("strict-transport-security" in done.headers) is (https or told)
        [session] = c.s.sessions.list(token)
        assert session.address == address
        cookie = {"cookie": f"{name}={token}"}
        wrong = await c.ask("POST", "/console/sessions/end", {"csrf": "x"}, **headers | cookie)
        assert wrong.status == 403
        form_of = {"csrf": form_token(token, "/console/sessions/end")}
        out = await c.ask("POST", "/console/sessions/end", form_of, **headers | cookie)
        assert out.status == 303, "forms are taken"


@pytest.mark.parametrize(
    ("how", "headers", "peer"),
    [
        ({}, NGINX, "127.0.0.1"),  # nobody has told of the proxy: what it says is not believed
        ({"trusted": "10.0.0.0/8"}, NGINX, "192.0.2.1"),
        ({"trusted": "127.0.0.1"}, NGINX | {"x_forwarded_proto": "http"}, "127.0.0.1"),
        ({"trusted": "127.0.0.1"}, NGINX | {"forwarded": "for=6.6.6.6;proto=http"}, "127.0.0.1"),
        ({}, at("10.0.0.5:8080", origin="http://10.0.0.5:8080"), "127.0.0.1"),
    ],
)
async def test_without_tls_nobody_signs_in_and_it_is_said_why(
    how: dict[str, Any], headers: dict[str, Any], peer: str
) -> None:
    async with served(**how) as c:
        told = await c.sign_in(peer=peer, **headers)
        assert told.status == 400 and not told.cookies
        assert "public_url and trusted_proxies" in told.text.replace("\n", " ")
        assert "strict-transport-security" not in told.headers


FOREIGN = [
    EVIL,
    EVIL | {"sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "same-site"},
    {"origin": "null"},
    {"origin": "https://tidings.example.evil.example"},
    {"origin": "https://tidings.example:8443"},
    {"referer": "https://evil.example/tidings.example"},
]


@pytest.mark.parametrize("foreign", FOREIGN)
async def test_a_form_of_another_site_signs_nobody_in_and_uses_no_link_up(
    foreign: dict[str, str],
) -> None:
    async with served(trusted="127.0.0.1", public=PUBLIC) as c:
        headers = at("tidings.example", **TOLD)
        own = (await c.sign_in(**NGINX)).cookies["__Host-tidings"][0]
        cookie = {"cookie": f"__Host-tidings={own}"}
        told = await c.sign_in(**headers | foreign | cookie)
        assert told.status == 403 and not told.cookies and "foreign_origin" in told.text
        assert len(c.s.sessions.list(own)) == 1

        link = await c.s.sessions.make_link("boss")
        told = await c.ask("POST", "/console/sign-in", {"link": link}, **headers | foreign)
        assert told.status == 403 and not told.cookies
        told = await c.ask("POST", "/console/sign-in", {"link": link}, **NGINX)
        assert told.status == 303 and "__Host-tidings" in told.cookies

        await c.s.add_org(7)
        boss = c.s.access.caller_of("boss")
        _, invitation = await c.s.users.create(boss, OrgId(7), {"email": ASHA, "role": "reader"})
        assert invitation is not None
        form = {"link": invitation.token, "password": WORD}
        told = await c.ask("POST", "/console/welcome", form, **headers | foreign)
        assert told.status == 403 and "foreign_origin" in told.text
        assert (await c.ask("POST", "/console/welcome", form, **NGINX)).status == 303
        again = await c.sign_in(ASHA, WORD, **headers | foreign)
        assert again.status == 403 and not again.cookies
        form_of = {"csrf": form_token(own, "/console/sessions/end")}
        told = await c.ask("POST", "/console/sessions/end", form_of, **headers | foreign | cookie)
        assert told.status == 403 and c.s.sessions.list(own)


async def test_a_sign_in_ends_the_session_that_it_replaces_and_no_other() -> None:
    async with served() as c:
        here = at("127.0.0.1:8080")
        elsewhere = (await c.sign_in(**here)).cookies["__Host-tidings"][0]
        first = (await c.sign_in(**here)).cookies["__Host-tidings"][0]
        cookie = {"cookie": f"__Host-tidings={first}"}
        wrong = await c.sign_in("boss", "wrong", **here | cookie)
        assert wrong.status == 401 and c.s.sessions.list(first)
        second = (await c.sign_in(**here | cookie)).cookies["__Host-tidings"][0]
        assert second not in (first, elsewhere)
        with pytest.raises(Exception, match="valid session"):
            c.s.sessions.caller(first)
        assert len(c.s.sessions.list(elsewhere)) == 2
        kept = {session.digest for session in (await c.s.store.load_people()).sessions}
        assert len(kept) == 2, "also after a restart"
        link = await c.s.sessions.make_link("boss")
        cookie = {"cookie": f"__Host-tidings={second}"}
        third = await c.ask("POST", "/console/sign-in", {"link": link}, **here | cookie)
        assert third.status == 303
        with pytest.raises(Exception, match="valid session"):
            c.s.sessions.caller(second)


@pytest.mark.parametrize(
    ("method", "headers", "at_once"),
    [
        ("GET", {}, True),  # from a terminal
        ("GET", {"sec_fetch_site": "none", "sec_fetch_mode": "navigate"}, True),
        ("GET", {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}, False),
        ("GET", {"sec_fetch_site": "same-site", "sec_fetch_mode": "navigate"}, False),
        ("GET", {"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors"}, False),
        ("GET", {"cookie": "__Host-tidings=tsn_of_somebody"}, False),
        ("HEAD", {}, False),
    ],
)
async def test_a_link_that_another_site_leads_to_asks_first(
    method: str, headers: dict[str, Any], at_once: bool
) -> None:
    async with served() as c:
        here = at("127.0.0.1:8080")
        link = await c.s.sessions.make_link("boss")
        path = f"/console/sign-in?link={link}"
        opened = await c.ask(method, path, **here | headers)
        assert (opened.status, "__Host-tidings" in opened.cookies) == (
            (303, True) if at_once else (200, False)
        )
        if not at_once and method == "GET":
            assert re.search(rf'name="link" value="{link}"', opened.text)
            done = await c.ask("POST", "/console/sign-in", {"link": link}, **here)
            assert done.status == 303 and "__Host-tidings" in done.cookies


async def test_a_portal_is_opened_by_a_page_alone_and_ends_the_one_before() -> None:
    async with served(trusted="127.0.0.1", public=PUBLIC) as c:
        await c.s.add_org(7)
        body = {"name": "Acme", "embedIn": ["https://app.acme.example"]}
        made = [
            (await c.s.call("POST", "/v1/orgs/7/portal-links", body)).json["url"] for _ in range(2)
        ]
        paths = ["/console" + url.partition("/console")[2] for url in made]
        headers = at("tidings.example", sec_fetch_site="cross-site", **TOLD)
        image = await c.ask("GET", paths[0], sec_fetch_mode="no-cors", **headers)
        assert image.status == 400
        opened = await c.ask("GET", paths[0], sec_fetch_mode="navigate", **headers)
        assert opened.status == 303
        token, attributes = opened.cookies["__Host-tidings-portal-7"]
        for part in ("Secure", "HttpOnly", "SameSite=None", "Partitioned", "Path=/"):
            assert part in attributes
        cookie = {"cookie": f"__Host-tidings-portal-7={token}"}
        other = await c.ask("GET", paths[1], sec_fetch_mode="navigate", **headers | cookie)
        assert other.status == 303 and c.s.sessions.opened(token) is None
        assert c.s.sessions.opened(other.cookies["__Host-tidings-portal-7"][0]) is not None


@pytest.mark.parametrize(
    ("how", "headers", "name", "secure"),
    [
        ({"trusted": "127.0.0.1", "public": PUBLIC}, NGINX, "__Host-tidings", True),
        ({"dev": True}, at("10.0.0.5:8080", origin="http://10.0.0.5:8080"), "tidings", False),
    ],
)
async def test_signing_out_takes_the_cookie_that_signing_in_gave(
    how: dict[str, Any], headers: dict[str, Any], name: str, secure: bool
) -> None:
    async with served(**how) as c:
        token = (await c.sign_in(**headers)).cookies[name][0]
        form = {"csrf": form_token(token, "/console/sign-out")}
        cookie = {"cookie": f"{name}={token}"}
        out = await c.ask("POST", "/console/sign-out", form, **headers | cookie)
        assert out.status == 303
        with pytest.raises(Denied):
            c.s.sessions.caller(token)
        value, attributes = out.cookies[name]
        said = {text.strip().lower() for text in attributes.split(";")}
        assert value.strip('"') == "" and {"max-age=0", "path=/", "httponly"} <= said
        # A browser passes over a __Host- cookie that is not secure: it would keep the old one.
        assert ("secure" in said) is secure and not any("domain" in text for text in said)
        assert out.headers["clear-site-data"] == '"cache"'


async def test_closing_a_portal_ends_its_cookie_in_its_frame_and_alone() -> None:
    async with served(trusted="127.0.0.1", public=PUBLIC) as c:
        await c.s.add_org(7)
        body = {"name": "Acme", "embedIn": ["https://app.acme.example"]}
        url = (await c.s.call("POST", "/v1/orgs/7/portal-links", body)).json["url"]
        opened = await c.ask(
            "GET", "/console" + url.partition("/console")[2], **at("tidings.example", **TOLD)
        )
        name = "__Host-tidings-portal-7"
        token = opened.cookies[name][0]
        leave = "/console/portal/o/7/leave"
        form = {"csrf": form_token(token, leave)}
        left = await c.ask("POST", leave, form, **NGINX | {"cookie": f"{name}={token}"})
        assert left.status == 200 and c.s.sessions.opened(token) is None
        ended = [set_cooky for set_cooky in left.set_cookies if set_cooky.startswith(f"{name}=;")]
        assert all("Max-Age=0" in row and "Secure" in row for row in ended)
        assert [("Partitioned" in row) for row in ended] == [False, True]


@pytest.mark.parametrize("length", [None, "many", str(512 * 1024 + 1)])
@pytest.mark.parametrize("path", ["/console/sign-in", "/console/welcome", "/console/confirm"])
async def test_a_form_says_how_long_it_is_and_is_not_longer_than_forms_are(
    path: str, length: str | None
) -> None:
    async with pages() as p:
        kind = {"content-type": "application/x-www-form-urlencoded", "host": "127.0.0.1"}
        headers = kind if length is None else kind | {"content-length": length}
        reply = await call(p.app, "POST", path, b"name=boss&secret=s3cret", headers)
        assert reply.status == 413 and b"at most 512 KB" in reply.body
        assert "set-cookie" not in reply.headers


async def test_the_proxy_is_not_one_person() -> None:
    """Ten wrong tries of one person behind it, and thirty of several, hold up nobody else."""
    async with served(trusted="127.0.0.1", public=PUBLIC) as c:
        statuses = []
        for n in range(60):
            one = NGINX | {"x_forwarded_for": f"6.6.6.6, 203.0.113.{n % 3}"}
            statuses.append((await c.sign_in("boss", "wrong", **one)).status)
        assert statuses.count(401) == 30 and statuses.count(429) == 30
        assert (await c.sign_in(**NGINX)).status == 303
        forged = NGINX | {"x_forwarded_for": "198.51.100.7, 203.0.113.1"}
        assert (await c.sign_in(**forged)).status == 429
        straight = NGINX | {"x_forwarded_for": "198.51.100.7"}
        for _ in range(12):
            told = await c.sign_in("boss", "wrong", peer="192.0.2.66", **straight)
        assert told.status == 429, "who is no proxy is counted by its own address"
        assert (await c.sign_in(**NGINX)).status == 303


async def test_a_known_browser_signs_in_while_strangers_guess() -> None:
    async with served(trusted="127.0.0.1", public=PUBLIC) as c:
        device, attributes = (await c.sign_in(**NGINX)).cookies["__Host-tidings-device"]
        for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
            assert part in attributes
        for n in range(100):
            one = NGINX | {"x_forwarded_for": f"203.0.{n}.1"}
            told = await c.sign_in("boss", "wrong", **one)
        assert told.status == 429
        travelling = NGINX | {"x_forwarded_for": "192.0.2.200"}
        assert (await c.sign_in(**travelling)).status == 429
        cookie = {"cookie": f"__Host-tidings-device={device}"}
        assert (await c.sign_in(**travelling | cookie)).status == 303
