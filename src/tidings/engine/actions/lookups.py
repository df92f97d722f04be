"""Asks look-ups for what actions need, and spares whoever answers.

Everything that can go wrong there is bounded here: one deadline for a question, all waiting
included; one question for the same values, however many ask at once; so many at once, and so many a
second, as a look-up is declared with; answers are remembered for as long as it says, also that
there is nothing. Who fails several times in a row is left alone for a pause, and whoever asks to be
left alone until then.
"""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple, Protocol

import msgspec
import structlog

from tidings.core.actions.action import ActionLookup, HttpLookup
from tidings.core.actions.questions import digest_of, question_of
from tidings.core.exact_json import read_exactly, write_exactly
from tidings.core.shaping.circuit import Circuit
from tidings.core.shares.byte_cache import MISSING, ByteCache
from tidings.core.shares.token_bucket import TokenBucket
from tidings.engine.callables import ReadSeconds
from tidings.lookups.port import (
    RECORD_BYTES_MAX,
    ListNotTaken,
    LookupBackend,
    LookupDown,
    LookupRefused,
    WatchedSource,
)

CACHE_BYTES = 16 << 20  # of all look-ups together
CROWDED_S = 1.0
CHECK_S = 1.0  # for a page: a file may just be read
GRACE_S = 0.25  # within which who is asked can say in its own words that time is over
REST_MAX_S = 600.0

FOUND, FOUND_BEFORE, NOTHING = "found", "found before", "nothing"
NOTHING_TO_ASK = "nothing to look up by"

log = structlog.get_logger(__name__)


class LookupResult(NamedTuple):
    """The result of a look-up. `record`: read exactly (`core/exact_json.py`), and the caller's own;
    None where there is none. `outcome`: in a few words, for the steps of an action."""

    record: dict[str, Any] | None
    outcome: str
    took_ms: float


class LookupState(NamedTuple):
    """The state of one look-up. `asked` and `failed`: since the start, questions, and those of them
    without an answer. `why`: what came of the last question, where that failed."""

    asked: int
    failed: int
    left_alone: bool
    why: str | None


NEVER_ASKED = LookupState(0, 0, False, why=None)


class LookupListener(Protocol):
    """Hears how look-ups do."""

    def failed(self, lookup: ActionLookup, why: str) -> None:
        """Note that a question had no answer, for this reason, in sentences."""

    def answered(self, lookup: ActionLookup) -> None:
        """Note that a look-up answers."""

    def not_taken(self, name: str, why: str) -> None:
        """Note that a new state of a list is not taken before it is accepted, for this reason."""

    def close(self) -> None:
        """Stop: nothing more is told."""


class _CachedAnswer(msgspec.Struct, frozen=True):
    written: bytes | None  # the record as JSON
    until_s: float


class _Asked:
    """The questions of one look-up, and its state."""

    def __init__(self, lookup: ActionLookup) -> None:
        self.circuit = Circuit()
        self.places = asyncio.Semaphore(lookup.at_once)
        self.bucket = None if lookup.rate_per_s is None else TokenBucket(lookup.rate_per_s)
        self.rests_until_s = float("-inf")  # as whoever was asked says
        self.asked = self.failed = 0
        self.why: str | None = None  # the last question has failed


class ActionLookups:
    """The look-ups of all actions."""

    def __init__(
        self,
        sources: Mapping[str, LookupBackend],
        now_s: ReadSeconds | None = None,
        *,
        cache_bytes: int = CACHE_BYTES,
        listener: LookupListener | None = None,
    ) -> None:
        """`sources`: who answers, by the look-up's name. `now_s` of a clock that is never set; else
        the loop's. `listener` hears how look-ups do."""
        self._sources = sources
        self._loop = asyncio.get_running_loop()
        self._now_s = now_s or self._loop.time
        self._cache: ByteCache[bytes, _CachedAnswer] = ByteCache(cache_bytes)
        self._flights: dict[bytes, asyncio.Task[bytes | None]] = {}
        self._asked: dict[str, _Asked] = {}
        self.asked = 0  # questions
        self.failed = 0  # of these without an answer
        self.wrong: Mapping[str, str] = {}  # what the last `check` found, by look-up
        self._listener = listener
        if listener is not None:
            for name, source in sources.items():
                if isinstance(source, WatchedSource):
                    source.listen(partial(listener.not_taken, name))

    async def find(self, lookup: ActionLookup, seen: Mapping[str, Any]) -> LookupResult:
        """Find the record of a look-up for an action that sees this. Raise LookupDown or
        LookupRefused, both with a text that names the look-up."""
        began_s = self._now_s()
        question = question_of(lookup, seen)
        if question is None:
            return LookupResult(None, NOTHING_TO_ASK, 0.0)
        key = digest_of(lookup, question)
        known = self._cache.get(key)
        if known is not MISSING and began_s < known.until_s:
            return _found(known.written, FOUND_BEFORE, 0.0)
        flight = self._flights.get(key) or self._start(lookup, key, question)
        written = await asyncio.shield(flight)
        return _found(written, FOUND, (self._now_s() - began_s) * 1e3)

    def down(self, name: str) -> bool:
        """Return whether a look-up is left alone for a while."""
        asked = self._asked.get(name)
        return asked is not None and (asked.circuit.open or self._now_s() < asked.rests_until_s)

    def state_of(self, name: str) -> LookupState:
        """Return how a look-up does."""
        if (asked := self._asked.get(name)) is None:
            return NEVER_ASKED
        return LookupState(asked.asked, asked.failed, self.down(name), why=asked.why)

    async def check(self, patience_s: float | None = CHECK_S) -> dict[str, str]:
        """Check look-ups in themselves and return what is wrong, by their names; nobody is asked.
        What is not known within `patience_s` is left out; None: it is waited for."""
        judging = {
            name: self._loop.create_task(source.check()) for name, source in self._sources.items()
        }
        try:
            if judging:
                await asyncio.wait(judging.values(), timeout=patience_s)
            known = {name: task.result() for name, task in judging.items() if task.done()}
        finally:
            for task in judging.values():
                task.cancel()
        self.wrong = {name: trouble for name, trouble in known.items() if trouble is not None}
        return dict(self.wrong)

    async def close(self) -> None:
        """Give up what is under way, and let go of what is open."""
        if self._listener is not None:
            self._listener.close()
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        if flights:
            await asyncio.wait(flights)
        for source in self._sources.values():
            await source.close()

    # -- inside -----------------------------------------------------------------------------------

    def _start(
        self, lookup: ActionLookup, key: bytes, question: Mapping[str, str]
    ) -> "asyncio.Task[bytes | None]":
        task = self._loop.create_task(self._fetch(lookup, key, question))
        self._flights[key] = task

        def ended(task: "asyncio.Task[bytes | None]") -> None:
            del self._flights[key]
            if not task.cancelled():
                task.exception()  # told to whoever waits; there may be nobody left

        task.add_done_callback(ended)
        return task

    async def _fetch(
        self, lookup: ActionLookup, key: bytes, question: Mapping[str, str]
    ) -> bytes | None:
        try:
            record = await self._in_turn(lookup, question)
            written = None if record is None else write_exactly(record)
            most = _most_bytes(lookup)
            if written is not None and len(written) > most:
                raise LookupRefused(
                    f"A record must be at most {most >> 10} KiB as JSON; got more. "
                    "Ask for less of it."
                )
        except LookupDown as down:
            message = f"Look-up {lookup.name}: {down.reason}"
            kind = ListNotTaken if isinstance(down, ListNotTaken) else LookupDown
            raise kind(message, down.wait_s) from None
        except LookupRefused as refused:
            raise LookupRefused(f"Look-up {lookup.name}: {refused.reason}") from None
        if lookup.cache_s > 0:
            known = _CachedAnswer(written, self._now_s() + lookup.cache_s)
            self._cache.put(key, known, len(written or b""))
        return written

    async def _in_turn(
        self, lookup: ActionLookup, question: Mapping[str, str]
    ) -> dict[str, Any] | None:
        """Wait for this question's turn, then ask and return the record. Raise LookupDown if the
        turn does not come in time."""
        if (asked := self._asked.get(lookup.name)) is None:
            asked = self._asked[lookup.name] = _Asked(lookup)
        until_s = self._now_s() + lookup.deadline_s
        self._refuse_while_alone(asked)
        try:
            async with asyncio.timeout(lookup.deadline_s):
                await asked.places.acquire()
        except TimeoutError:
            raise LookupDown(
                f"A question must be asked within {lookup.deadline_s:g} s; {lookup.at_once} others "
                "were under way until then. Raise at_once, or cache, if it lasts.",
                CROWDED_S,
            ) from None
        try:
            await self._at_rate(asked.bucket, until_s)
            self._refuse_while_alone(asked)
            if not asked.circuit.admits(self._now_s()):
                raise self._left_alone(asked, asked.circuit.wait_s(self._now_s()))
            return await self._ask(lookup, asked, question, until_s)
        finally:
            asked.places.release()

    def _refuse_while_alone(self, asked: _Asked) -> None:
        now_s = self._now_s()
        if (wait_s := max(asked.rests_until_s - now_s, asked.circuit.wait_s(now_s))) > 0:
            raise self._left_alone(asked, wait_s)

    def _left_alone(self, asked: _Asked, wait_s: float) -> LookupDown:
        message = "It must answer, and has failed; it is left alone for a while."
        return LookupDown(f"{message} {asked.why}" if asked.why else message, wait_s)

    async def _at_rate(self, bucket: TokenBucket | None, until_s: float) -> None:
        while bucket is not None and not bucket.take(self._now_s()):
            wait_s = bucket.wait_s(self._now_s())
            if self._now_s() + wait_s > until_s:
                raise LookupDown(
                    f"At most {bucket.rate:g} questions a second are asked, and more wait. Raise "
                    "rate, or cache, if it lasts.",
                    wait_s,
                )
            await asyncio.sleep(wait_s)

    async def _ask(
        self, lookup: ActionLookup, asked: _Asked, question: Mapping[str, str], until_s: float
    ) -> dict[str, Any] | None:
        self.asked += 1
        asked.asked += 1
        left_s = max(0.01, until_s - self._now_s())
        try:
            async with asyncio.timeout(left_s + GRACE_S):
                found = await self._sources[lookup.name].find(question, left_s)
        except LookupRefused:
            self._note_answer(lookup, asked)
            raise
        except (LookupDown, TimeoutError) as failed:
            late = f"It must answer within {lookup.deadline_s:g} s; it did not."
            down = failed if isinstance(failed, LookupDown) else LookupDown(late)
            if down.wait_s is not None:
                down.wait_s = min(down.wait_s, REST_MAX_S)
            self._note_failure(lookup, asked, down)
            raise down from None
        except BaseException:
            asked.circuit.unknown()
            raise
        self._note_answer(lookup, asked)
        return found

    def _note_answer(self, lookup: ActionLookup, asked: _Asked) -> None:
        asked.circuit.succeeded()
        asked.why = None
        if self._listener is not None:
            self._listener.answered(lookup)

    def _note_failure(self, lookup: ActionLookup, asked: _Asked, down: LookupDown) -> None:
        self.failed += 1
        asked.failed += 1
        asked.why = down.reason
        if self._listener is not None:
            self._listener.failed(lookup, down.reason)
        now_s = self._now_s()
        if down.wait_s is not None:
            asked.rests_until_s = now_s + down.wait_s
        if asked.circuit.failed(now_s):
            log.warning("a look-up is left alone for a while", lookup=lookup.name, why=down.reason)


def _most_bytes(lookup: ActionLookup) -> int:
    where = lookup.where
    return where.answer_kib << 10 if isinstance(where, HttpLookup) else RECORD_BYTES_MAX


def _found(written: bytes | None, outcome: str, took_ms: float) -> LookupResult:
    if written is None:
        return LookupResult(None, NOTHING, took_ms)
    return LookupResult(read_exactly(written), outcome, took_ms)
