"""Who reads the figures: nobody unnamed, unless the operator says so."""

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from tests.api.control_client import basic, call, service
from tests.api.one_app import control_app
from tidings.api.http.metrics_access import MetricsReaders

TOKEN = "prometheus-0123456789"


async def asked(s: Any, readers: MetricsReaders, **headers: str) -> Any:
    app = control_app(replace(s.services, web=replace(s.services.web, metrics_readers=readers)))
    return await call(app, "GET", "/metrics", b"", headers)


async def test_only_the_platforms_own_credential_where_nothing_is_set() -> None:
    async with service() as s:
        brand = await s.add_org(2)
        reply = await asked(s, MetricsReaders())
        assert reply.status == 401 and reply.headers["www-authenticate"].startswith("Bearer")
        assert reply.json["error"]["code"] == "metrics_closed" and b"tidings_" not in reply.body
        for auth, status in (
            (basic("boss", "s3cret"), 200),
            (basic("boss", "wrong"), 401),
            (brand, 403),
            (f"Bearer {TOKEN}", 401),
            ("Bearer ", 401),
            ("", 401),
        ):
            reply = await asked(s, MetricsReaders(), authorization=auth)
            assert reply.status == status, auth
            assert (b"tidings_attempt_seconds_total" in reply.body) == (status == 200)


async def test_a_token_reads_them_and_nothing_else() -> None:
    async with service() as s:
        readers = MetricsReaders(token=TOKEN)
        for auth in (f"Bearer {TOKEN}", f"bearer {TOKEN}", f"Bearer  {TOKEN} "):
            assert (await asked(s, readers, authorization=auth)).status == 200, auth
        for auth in (TOKEN, f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}"):
            assert (await asked(s, readers, authorization=auth)).status == 401, auth
        app = control_app(replace(s.services, web=replace(s.services.web, metrics_readers=readers)))
        for path in ("/v1/orgs", "/v1/caller", "/v3/webHooks"):
            reply = await call(app, "GET", path, b"", {"authorization": f"Bearer {TOKEN}"})
            assert reply.status == 401, path


@pytest.mark.parametrize(
    ("network", "address", "near"),
    [
        ("10.1.0.0/16", "10.1.2.3", True),
        ("10.1.0.0/16", "10.2.2.3", False),
        ("10.1.0.0/16", "::ffff:10.1.2.3", True),
        ("10.1.0.0/16", "fd00::1", False),
        ("fd00::/8", "fd00::1", True),
        ("::/0", "10.1.2.3", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.2", False),
        ("0.0.0.0/0", None, False),
        ("0.0.0.0/0", "not an address", False),
    ],
)
def test_a_network_reads_them(network: str, address: str | None, near: bool) -> None:
    assert MetricsReaders(networks=(ip_network(network),)).admit(None, address) is near


async def test_an_address_is_not_taken_from_what_a_caller_says() -> None:
    async with service() as s:
        readers = MetricsReaders(networks=(ip_network("10.0.0.0/8"),))
        for name in ("x-forwarded-for", "forwarded", "x-real-ip", "host"):
            said = "for=10.0.0.1" if name == "forwarded" else "10.0.0.1"
            assert (await asked(s, readers, **{name: said})).status == 401, name
        near = MetricsReaders(networks=(ip_network("127.0.0.0/8"),))
        assert (await asked(s, near)).status == 200
        assert (await asked(s, MetricsReaders(everybody=True))).status == 200
