"""What every route of the control API works with, and how it learns who calls."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from prometheus_client import CollectorRegistry
from starlette.requests import Request

from tidings.api.answers import refused
from tidings.api.health import Health
from tidings.engine.access import Access, Caller
from tidings.engine.clock import Clock
from tidings.engine.feed import Feed
from tidings.engine.orgs import Orgs
from tidings.engine.webhooks import Webhooks
from tidings.store import port

BODY_BYTES_MAX = 256 * 1024
BODY_WAIT_S = 15.0
ORG_HEADER = "x-tidings-org"


@dataclass(frozen=True, kw_only=True)
class Services:
    """The parts of the running service that the control API speaks to."""

    store: port.Store
    access: Access
    orgs: Orgs
    webhooks: Webhooks
    feed: Feed
    clock: Clock
    health: Health
    metrics: CollectorRegistry

    def caller(self, request: Request, scope: str) -> Caller:
        """Who calls, and for which org. Denied unless the scope is theirs."""
        header = request.headers.get("authorization")
        authorization = None if header is None else header.encode("latin-1")
        caller = self.access.caller(authorization, scope)
        return self.access.acting(caller, request.headers.get(ORG_HEADER))

    def platform(self, request: Request, scope: str) -> Caller:
        """Like `caller`, for what only the platform's own credential may do."""
        caller = self.caller(request, scope)
        if not caller.platform:
            raise refused(
                403,
                "forbidden",
                "The call must carry the platform's own credential; got one of an org. Ask the "
                "operator. (forbidden, header Authorization)",
                "Authorization",
            )
        return caller

    def zone(self, org: int) -> tzinfo:
        """The time zone of an org."""
        known = self.orgs.get(org)
        try:
            return UTC if known is None or known.time_zone == "UTC" else ZoneInfo(known.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            return UTC


async def read_object(request: Request) -> dict[str, Any]:
    """The JSON object of a call's body. Refused where there is none, or it is too long or slow."""
    try:
        async with asyncio.timeout(BODY_WAIT_S):
            body = await _read(request)
    except TimeoutError:
        raise refused(
            408,
            "too_slow",
            f"The body must come within {BODY_WAIT_S:.0f} s; it did not. Send it again. "
            "(too_slow, body)",
        ) from None
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        value = None
    if not isinstance(value, dict):
        got = "something else" if body.strip() else "nothing"
        raise refused(
            400,
            "bad_json",
            f"The body must be one JSON object; got {got}. Check quotes and commas. "
            "(bad_json, body)",
        )
    return value


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise refused(
                413,
                "too_large",
                f"The body must hold at most {BODY_BYTES_MAX} bytes; got more. Send less. "
                "(too_large, body)",
                connection="close",
            )
    return bytes(body)


def iso(ms: int | None) -> str | None:
    """Milliseconds since the epoch as `2026-02-11T09:15:00.123Z`."""
    if ms is None:
        return None
    moment = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def local_iso(ms: int, zone: tzinfo) -> str:
    """Milliseconds since the epoch in an org's time zone, as `2026-02-11T14:45:00+0530`."""
    return f"{datetime.fromtimestamp(ms // 1000, zone):%Y-%m-%dT%H:%M:%S%z}"
