"""Messages that wait on a slow line until the moment in which they leave."""

import asyncio
from typing import Any

import msgspec

from tests.engine.shaping.sending_desk import ENDLESS, HOOK, Desk, Shaping
from tidings.core.delivery.exchange import Ending, FaultKind, ReceiverAnswer, TransportFault
from tidings.core.running.lease import OwnerLease
from tidings.core.webhooks.webhook import Webhook
from tidings.egress.port import Leaves, ReceiverAddress
from tidings.store import port

PLAIN = msgspec.structs.replace(HOOK, plain=True)


class SlowLine:
    """A sender whose outlets connect when they are told to: to their host, or to nobody."""

    def __init__(self, *statuses: int, refuses: bool = False) -> None:
        self.statuses = list(statuses)
        self.refuses = refuses
        self.sent: list[tuple[str, dict[str, str], bytes]] = []
        self.connected = asyncio.Event()
        self.closed: list[str] = []

    def open(self, target: ReceiverAddress, connections_max: int, **_: Any) -> "Outlet":
        return Outlet(self, target.host)


class Outlet:
    def __init__(self, line: SlowLine, host: str) -> None:
        self.line, self.host = line, host

    async def send(
        self, method: str, leaves: Leaves, body: bytes, deadline_s: float
    ) -> Ending | None:
        line = self.line
        await line.connected.wait()
        if line.refuses:
            return TransportFault(FaultKind.REFUSED, False, "Nobody listens.", 1.0)
        if (headers := leaves()) is None:
            return None
        line.sent.append((self.host, dict(headers), body))
        return ReceiverAnswer(line.statuses.pop(0), (), b"", False, 1.0)

    async def close(self) -> None:
        self.line.closed.append(self.host)


class Noted(port.NullInFlight):
    """What is noted as in flight."""

    def __init__(self) -> None:
        self.attempts: list[tuple[int, int]] = []

    def note(self, delivery: int, attempt: int) -> None:
        self.attempts.append((delivery, attempt))


def desk_of(
    line: SlowLine,
    webhook: Webhook = PLAIN,
    shaper: Shaping | None = None,
    lease: OwnerLease = ENDLESS,
) -> Desk:
    desk = Desk(line, shaper or Shaping(), webhook, lease)  # type: ignore[arg-type]
    desk.noted = Noted()  # type: ignore[attr-defined]
    desk.dispatcher._attempts.in_flight = desk.noted  # type: ignore[attr-defined]
    return desk


def changed(desk: Desk, webhook: Webhook, **fields: Any) -> None:
    desk.dispatcher.changes.changed(msgspec.structs.replace(webhook, version=2, **fields))
