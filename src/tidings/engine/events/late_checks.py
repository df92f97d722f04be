"""Events whose check may take longer than the loop has: checked in a process of its own.

They keep every other rule already (`core/events/call_reader.py`). What the process finds is weighed
as if it had been found at once: refused, or accepted with a warning, by the org's validation
setting. An event that takes more than its budget is answered in the same way. Where the process
cannot say, nothing was promised, and the call is to be made again.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from tidings.catalogue import Problem
from tidings.core.events.call_reader import Item, RejectedEvent, UncheckedEvent
from tidings.core.events.own_types import OwnType
from tidings.core.ids import OrgId
from tidings.engine.events.intake import Draft, Overloaded
from tidings.transform.port import CheckBy, Checker, RenderLater, RenderRefused


class LateChecks:
    """Over whoever checks apart."""

    def __init__(self, checker: Checker) -> None:
        self._checker = checker

    async def problems(self, org: OrgId, made: Any, raw: bytes) -> Sequence[Problem]:
        """What is wrong with an event, as it came, by a version of an own type. Overloaded."""
        assert isinstance(made, OwnType)  # only these are ever put off
        kind = made.kind
        declaration = msgspec.to_builtins(made.declaration)
        try:
            return await self._checker.check_event(
                CheckBy(kind.name, kind.version, declaration), raw, org
            )
        except RenderRefused as refused:
            expected = "one that its schema can be checked by"
            return [Problem("", expected, "more than that", refused.reason)]
        except RenderLater as later:
            raise Overloaded(later.reason) from None


async def concluded(
    items: Sequence[Item[Draft]], late: LateChecks | None
) -> list[Draft | RejectedEvent]:
    """The items of a call, each checked. Raises Overloaded, also where nobody checks late."""
    done: list[Draft | RejectedEvent] = []
    for item in items:
        if not isinstance(item, UncheckedEvent):
            done.append(item)
        elif late is None:
            raise Overloaded("nobody checks events apart")
        else:
            problems = await late.problems(item.org, item.version, item.raw)
            done.append(item.conclude(problems))
    return done
