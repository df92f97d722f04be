"""What the egress tests share: running a scenario, and a sender that may reach loopback."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tidings.core.delivery.exchange import Ending
from tidings.egress.address import parse_target
from tidings.egress.outlet import HttpOutlet
from tidings.egress.policy import Policy
from tidings.egress.resolve import NameAddresses, ResolutionFault, Resolver
from tidings.egress.sender import HttpSender

DEV = Policy(allow_private=True)
HEADERS = [("Content-Type", "application/json"), ("Webhook-Id", "evt_1")]
BODY = b'{"eventName":"pointsIssued"}'


class Names:
    """A resolver that answers from a table, in turn; the last answer is repeated."""

    def __init__(self, *answers: NameAddresses | ResolutionFault) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(self, name: str, deadline_s: float) -> NameAddresses | ResolutionFault:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def close(self) -> None: ...


def at(*addresses: str, fresh_until: float = 0.0) -> NameAddresses:
    return NameAddresses(addresses=addresses, fresh_until=fresh_until)


@asynccontextmanager
async def outlet_to(
    url: str,
    connections_max: int = 4,
    policy: Policy = DEV,
    resolver: Resolver | None = None,
    keep_answers: bool = False,
    **options: Any,
) -> AsyncIterator[HttpOutlet]:
    sender = HttpSender(policy, resolver or Names(at("127.0.0.1")), **options)
    target = parse_target(url, allow_http=True)
    outlet = sender.open(target, connections_max, keep_answers=keep_answers)
    try:
        yield outlet
    finally:
        await outlet.close()
        await sender.close()


async def post(outlet: HttpOutlet, deadline_s: float = 30.0, body: bytes = BODY) -> Ending:
    ending = await outlet.send("POST", lambda: HEADERS, body, deadline_s)
    assert ending is not None
    return ending


FORBIDDEN = """
0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.254 169.254.169.254
169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.8 192.0.0.9 192.0.0.170 192.0.0.192
192.0.2.1 192.31.196.1 192.52.193.1 192.88.99.1 192.88.99.2 192.168.1.1 192.175.48.1 198.18.0.1
198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 233.252.0.1 239.255.255.250 240.0.0.1
255.255.255.255 168.63.129.16 :: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:a9fe:a9fe
::ffff:0:127.0.0.1 64:ff9b::127.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 100::1 100:0:0:1::1 2001::1
2001:0:7f00:1:: 2001:1::1 2001:1::3 2001:2::1 2001:3::1 2001:4:112::1 2001:10::1 2001:20::1
2001:30::1 2001:db8::1 2002:7f00:1::1 2002:a9fe:a9fe::1 2620:4f:8000::1 3fff::1 3fff:fff:ffff::1
5f00::1 4000::1 fc00::1 fd00:ec2::254 fd20:ce::254 fe80::1 fe80::1%lo fec0::1 ff02::1 ff0e::1
""".split()
