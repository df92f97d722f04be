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


async def post(outlet: HttpOutlet, deadline_s: float = 5.0, body: bytes = BODY) -> Ending:
    ending = await outlet.send("POST", lambda: HEADERS, body, deadline_s)
    assert ending is not None
    return ending
