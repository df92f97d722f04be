"""The gate of the service sees the caller of a call that made a hop as at its own public port."""

from ipaddress import ip_network
from typing import Any

import pytest

from tests.server.support import Client, reply, serving
from tidings.api.http.front import Front, address_of, client_of
from tidings.api.http.gate import HttpGate
from tidings.core.access.forwarded import Proxies

from .support import KEY, TRUSTS, pair

FORWARDED = [
    b"",
    b"X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: a.example\r\n",
    b"Forwarded: for=203.0.113.9;proto=https;host=a.example\r\n",
    b"X-Forwarded-For: 203.0.113.9, 198.51.100.7\r\nConnection: x-forwarded-for, keep-alive\r\n",
    b"Via: 1.1 somebody\r\nX-Real-Ip: 203.0.113.9\r\n",
    b"Forwarded: for=unknown\r\n",
]


class Seen:
    """Remembers who calls, as what is behind the front sees it."""

    def __init__(self) -> None:
        self.callers: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        host = dict(scope["headers"])[b"host"]
        seen = (scope["path"], address_of(scope), client_of(scope), scope["scheme"], host)
        self.callers.append(seen)
        await reply(send, 200, b"seen")


def gate(proxies: Proxies) -> tuple[Seen, HttpGate]:
    """The service's gate before something that remembers."""
    seen = Seen()
    return seen, HttpGate(seen, seen, front=Front(proxies, "https://hooks.example"))


@pytest.mark.parametrize("trusted", [["127.0.0.0/8"], ["127.0.0.0/8", "198.51.100.0/24"], []])
@pytest.mark.parametrize("make_trust", TRUSTS)
async def test_a_caller_is_who_it_is_at_the_public_port(
    make_trust: Any, trusted: list[str]
) -> None:
    proxies = Proxies([ip_network(network) for network in trusted])
    seen_there, there = gate(proxies)
    seen_here, here = gate(proxies)
    calls = [
        b"%b HTTP/1.1\r\nHost: b.example\r\n%b\r\n" % (line, more)
        for line in (b"GET /v1/orgs", b"GET /inbox/abc", b"HEAD /v1/orgs")
        for more in FORWARDED
    ]
    async with pair(there, make_trust(KEY)) as found, serving(here) as public:
        hop, straight = await Client.to(found.public), await Client.to(public)
        for call in calls:
            for client in (hop, straight):
                client.write(call)
                head_only = call.startswith(b"HEAD")
                assert (await client.answer(head_only=head_only))[0] == 200
    assert len(seen_here.callers) == len(calls)
    assert seen_there.callers == seen_here.callers
    addresses = {address for _, address, *_ in seen_there.callers}
    assert ("203.0.113.9" in addresses) is bool(trusted)
