"""Asks the platform's own API for what the reference data lacks.

Everything that can go wrong there is bounded here: one deadline for a question, waiting for a
connection included; one question at a time about one thing, however many ask; answers and absences
are remembered for a while; after failures in a row nothing is asked for a pause.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec
import structlog

from tidings.core.delivery.exchange import ReceiverAnswer
from tidings.core.ids import OrgId
from tidings.core.shaping.circuit import Circuit
from tidings.core.shaping.enrichment import BALANCES
from tidings.core.shaping.platform_rules import (
    AnswerRefused,
    FieldMap,
    PlatformRecordUnfit,
    fill,
    read_answer,
)
from tidings.core.shaping.record import EnrichmentRecord
from tidings.core.shares.byte_cache import MISSING, ByteCache, CacheMiss
from tidings.egress.port import OriginServer
from tidings.engine.clock import Clock
from tidings.errors import Unavailable
from tidings.shared_places import SharedPlaces

CONNECTIONS_MAX = 16
CACHE_BYTES = 16 << 20
WAIT_S = 5.0
CROWDED_S = 1.0
LOG_EVERY_S = 60.0

Key = tuple[str, OrgId, str]  # kind, org, id

log = structlog.get_logger(__name__)


class PlatformDown(Unavailable):
    """The platform did not answer, or not with a record; `delay_s`: ask again after so long."""

    def __init__(self, reason: str, delay_s: float) -> None:
        super().__init__(reason)
        self.reason = reason
        self.delay_s = delay_s


class _Crowded(PlatformDown):
    """Too much was asked at once: this says nothing of the platform's health."""


class PlatformOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds and times of questions to the platform."""

    paths: Mapping[str, str]  # the template of each kind that it can be asked for
    headers: tuple[tuple[str, str], ...] = ()
    fields: Mapping[str, FieldMap] = {}
    timeout_s: float = 2.0
    keep_s: float = 300.0  # an answer
    keep_none_s: float = 30.0  # that there is no such record

    def __repr__(self) -> str:
        """Show it without headers: they hold credentials."""
        return f"PlatformOptions(kinds={sorted(self.paths)})"


class _CachedRecord(msgspec.Struct, frozen=True):
    record: EnrichmentRecord | None
    asked_ms: int
    until_s: float  # on the loop's clock


class _Flight(msgspec.Struct, frozen=True):
    asked_ms: int
    task: "asyncio.Task[EnrichmentRecord | None]"


class Platform:
    """The platform's API, over one origin."""

    def __init__(self, origin: OriginServer, options: PlatformOptions, clock: Clock) -> None:
        self._origin = origin
        self._options = options
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._circuit = Circuit()
        self._cache: ByteCache[Key, _CachedRecord] = ByteCache(
            CACHE_BYTES, owner_of=lambda key: key[1]
        )
        self._flights: dict[Key, _Flight] = {}
        self._lines: SharedPlaces[OrgId] = SharedPlaces(CONNECTIONS_MAX)
        self._logged_s = float("-inf")
        self.asked = 0
        self.failed = 0

    @property
    def down(self) -> bool:
        """Return whether it is left alone for a while."""
        return self._circuit.open

    def answers(self, kind: str) -> bool:
        """Return whether it can be asked for this kind of record."""
        return kind in self._options.paths

    def peek(
        self, kind: str, org: OrgId, id: str, since_ms: int
    ) -> EnrichmentRecord | None | Literal[CacheMiss.MISSING]:
        """Return what is remembered. A balance counts only where it was asked for at `since_ms` or
        later: that of before an event is not the one after it."""
        known = self._cache.get((kind, org, id))
        if known is MISSING or known.until_s < self._loop.time():
            return MISSING
        if kind == BALANCES and known.asked_ms < since_ms:
            return MISSING
        return known.record

    async def ask(self, kind: str, org: OrgId, id: str, since_ms: int) -> EnrichmentRecord | None:
        """Ask the platform for a record, where none is remembered; None where the platform has
        none. Raise PlatformDown."""
        known = self.peek(kind, org, id, since_ms)
        if known is not MISSING:
            return known
        key = (kind, org, id)
        flight = self._flights.get(key)
        if flight is None or (kind == BALANCES and flight.asked_ms < since_ms):
            flight = self._start(key)
        return await asyncio.shield(flight.task)

    async def close(self) -> None:
        """Give up what is under way and close the connections."""
        tasks = [flight.task for flight in self._flights.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._origin.close()

    def _start(self, key: Key) -> _Flight:
        asked_ms = self._clock.now_ms()
        task = self._loop.create_task(self._fetch(key, asked_ms))
        flight = self._flights[key] = _Flight(asked_ms, task)

        def ended(task: "asyncio.Task[EnrichmentRecord | None]") -> None:
            if self._flights.get(key) is flight:
                del self._flights[key]
            if not task.cancelled():
                task.exception()  # told to whoever waits; there may be nobody left

        task.add_done_callback(ended)
        return flight

    async def _fetch(self, key: Key, asked_ms: int) -> EnrichmentRecord | None:
        kind, org, id = key
        try:
            path = fill(self._options.paths[kind], org, id)
        except ValueError:
            return None
        if not self._circuit.admits(self._loop.time()):
            wait_s = self._circuit.wait_s(self._loop.time())
            raise PlatformDown(
                "The platform's API does not respond; Tidings has paused its calls.", wait_s
            )
        try:
            record = await self._get(kind, org, path)
        except _Crowded:
            self._circuit.unknown()
            raise
        except PlatformDown as down:
            self._note_failure(down)
            raise
        except BaseException:
            self._circuit.unknown()
            raise
        self._circuit.succeeded()
        self._remember(key, record, asked_ms)
        return record

    async def _get(self, kind: str, org: OrgId, path: str) -> EnrichmentRecord | None:
        options, began_s = self._options, self._loop.time()
        try:
            async with asyncio.timeout(options.timeout_s):
                await self._lines.acquire(org)
        except TimeoutError:
            message = f"All {CONNECTIONS_MAX} connections to the platform's API are in use."
            raise _Crowded(message, CROWDED_S) from None
        try:
            self.asked += 1
            left_s = max(0.01, options.timeout_s - (self._loop.time() - began_s))
            ending = await self._origin.get(path, list(options.headers), left_s)
        finally:
            self._lines.release(org)
        if not isinstance(ending, ReceiverAnswer):
            raise self._down(f"within {options.timeout_s:g} s; got: {ending.detail.rstrip('.')}")
        try:
            fields = options.fields.get(kind, {})
            known = read_answer(kind, ending.status, ending.body, not ending.truncated, fields)
            return None if known is None else EnrichmentRecord(msgspec.json.encode(known))
        except AnswerRefused as refused:
            raise PlatformDown(f"The platform's API failed. {refused}", WAIT_S) from None
        except PlatformRecordUnfit as unfit:
            self._tell_unfit(kind, unfit)
            return None

    def _down(self, how: str) -> PlatformDown:
        return PlatformDown(f"The platform's API must answer {how}.", WAIT_S)

    def _note_failure(self, down: PlatformDown) -> None:
        self.failed += 1
        if self._circuit.failed(self._loop.time()):
            log.warning("the platform is left alone for a while", why=down.reason)

    def _tell_unfit(self, kind: str, unfit: PlatformRecordUnfit) -> None:
        if self._loop.time() - self._logged_s >= LOG_EVERY_S:
            self._logged_s = self._loop.time()
            log.warning("a record of the platform cannot be used", kind=kind, why=str(unfit))

    def _remember(self, key: Key, record: EnrichmentRecord | None, asked_ms: int) -> None:
        keep_s = self._options.keep_none_s if record is None else self._options.keep_s
        if keep_s <= 0:
            return
        until_s = self._loop.time() + keep_s
        self._cache.put(
            key, _CachedRecord(record, asked_ms, until_s), record.bytes if record else 0
        )


Metrics = dict[str, Callable[[], Any]]


def counters(platform: Platform) -> Metrics:
    """Return the counters of the platform for the metrics."""
    return {
        "platform_asked": lambda: platform.asked,
        "platform_failed": lambda: platform.failed,
    }


def gauges(platform: Platform) -> Metrics:
    """Return the gauges of the platform for the metrics."""
    return {"platform_down": lambda: platform.down}
