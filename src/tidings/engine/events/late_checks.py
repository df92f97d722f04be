"""Events whose check may take longer than the loop has: checked in a process of its own.

They keep every other rule already (`core/events/call_reader.py`). What the process finds is weighed
as if it had been found at once: refused, or accepted with a warning, by the org's validation
setting. An event that takes more than its budget is answered in the same way. Where the process
cannot say, nothing was promised, and the call is to be made again.

An event of a type whose schema is not compiled, and takes too long for the loop, waits while that
is compiled in a thread: one at a time, and not more often for an org than every second. Who uses
many such schemas in turn has their events checked apart.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import structlog

from tidings.catalogue import SchemaViolation
from tidings.core.events.call_items import Item, RejectedEvent, UncheckedEvent
from tidings.core.events.own_types import OwnType
from tidings.core.ids import OrgId
from tidings.core.shares.table import SharedTable
from tidings.engine.events.intake import CheckUnavailable, Draft, Overloaded
from tidings.transform.port import CheckBy, Checker, RenderLater, RenderRefused

log = structlog.get_logger(__name__)
COMPILED_EVERY_S = 1.0  # of an org
ORGS_MAX = 1000  # whose last time is remembered


class LateChecks:
    """Over whoever checks apart."""

    def __init__(self, checker: Checker) -> None:
        self._checker = checker
        self._compiling: tuple[OwnType, asyncio.Task[None]] | None = None  # the last one
        self._next_s = SharedTable[OrgId, OrgId, float](ORGS_MAX)

    async def problems(self, org: OrgId, made: Any, raw: bytes) -> Sequence[SchemaViolation]:
        """List what is wrong with an event, as it came, by a version of an own type. Overloaded."""
        assert isinstance(made, OwnType)  # only these are ever put off
        if made.is_cold and (compiling := self._compile_behind(org, made)) is not None:
            await asyncio.shield(compiling)
            if made.fits_loop(raw):  # not where it could not be compiled
                return made.check(msgspec.json.decode(raw))
        return await self.check_apart(org, made, raw)

    async def check_apart(self, org: OrgId, made: OwnType, raw: bytes) -> Sequence[SchemaViolation]:
        """Say what is wrong with an event, as it came, as the other process finds it: here nothing
        is compiled. Overloaded."""
        kind = made.kind
        declaration = msgspec.to_builtins(made.declaration)
        try:
            return await self._checker.check_event(
                CheckBy(kind.name, kind.version, declaration), raw, org
            )
        except RenderRefused as refused:
            expected = "one that its schema can be checked by"
            return [SchemaViolation("", expected, "more than that", message=refused.reason)]
        except RenderLater as later:
            raise CheckUnavailable(later.reason) from None

    def _compile_behind(self, org: OrgId, made: OwnType) -> "asyncio.Task[None] | None":
        """Return what compiles a type's schema now; None where others have their turn."""
        if self._compiling is not None and not self._compiling[1].done():
            return self._compiling[1] if self._compiling[0] is made else None
        now_s = asyncio.get_running_loop().time()
        if now_s < (self._next_s.get(org) or 0.0):
            return None
        self._next_s.put(org, org, now_s + COMPILED_EVERY_S)
        self._compiling = made, asyncio.create_task(_compile(made))
        return self._compiling[1]


async def _compile(made: OwnType) -> None:
    """Compile what events of a type are checked by; where that fails they are checked apart."""
    try:
        made.adopt(await asyncio.to_thread(made.compile))
    except Exception as error:
        kind = made.kind
        log.warning("a schema cannot be compiled", event_type=kind.name, error=repr(error))


async def concluded(
    items: Sequence[Item[Draft]], late: LateChecks | None
) -> list[Draft | RejectedEvent]:
    """Check the items of a call that are not checked yet, and return all of them. Raise Overloaded,
    also where nobody checks late."""
    done: list[Draft | RejectedEvent] = []
    for draft in items:
        if not isinstance(draft, UncheckedEvent):
            done.append(draft)
        elif late is None:
            raise Overloaded("nobody checks events apart")
        else:
            problems = await late.problems(draft.org, draft.version, draft.raw)
            done.append(draft.conclude(problems))
    return done
