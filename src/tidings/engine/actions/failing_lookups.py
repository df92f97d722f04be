"""Tells an org that a look-up of its actions has had no answer for a while.

Nobody is charged for a run that waits for a look-up, so its action is never failing and never
disabled: without this, nobody would hear of it. Told once, until it answers again; a restart
forgets what was known, and begins anew.
"""

import asyncio

from tidings.core.actions.action import ActionLookup, Actions
from tidings.core.ids import OrgId
from tidings.core.notices.operational_events import LOOKUP_FAILING, lookup_failing
from tidings.engine.clock import Clock
from tidings.engine.listeners import OrgNotices

FAILURES_MIN = 3  # fewer are not told, however long ago the first was


class _Failing:
    """One that does not answer."""

    def __init__(self, since_ms: int, timer: asyncio.TimerHandle) -> None:
        self.since_ms = since_ms
        self.timer = timer
        self.failures = 0
        self.why = ""
        self.due = False  # it has failed for long enough
        self.notified = False


class FailingLookups:
    """The look-ups that fail now, and since when. See `LookupListener`."""

    def __init__(
        self, org: OrgId, actions: Actions, notices: OrgNotices, clock: Clock, notify_after_ms: int
    ) -> None:
        """`notify_after_ms`: how long one must have failed before the org is told."""
        self._org = org
        self._actions = actions
        self._notices = notices
        self._clock = clock
        self._after_s = notify_after_ms / 1000
        self._failing: dict[str, _Failing] = {}

    def failed(self, lookup: ActionLookup, why: str) -> None:
        """Note that a question had no answer, for this reason, in sentences."""
        one = self._failing.get(lookup.name)
        if one is None:
            loop = asyncio.get_running_loop()
            timer = loop.call_later(self._after_s, self._due, lookup)
            one = self._failing[lookup.name] = _Failing(self._clock.now_ms(), timer)
        one.failures += 1
        one.why = why
        self._tell_due(lookup, one)

    def answered(self, lookup: ActionLookup) -> None:
        """Note that a look-up answers: it fails no longer."""
        if (one := self._failing.pop(lookup.name, None)) is not None:
            one.timer.cancel()

    def not_taken(self, name: str, why: str) -> None:
        """Report at once that a new state of a list is not taken before it is accepted."""
        needing = self._needing(name)
        fact = lookup_failing(name, needing, True, self._clock.now_ms(), 0, why)
        self._notices.tell(LOOKUP_FAILING, self._org, fact)

    def close(self) -> None:
        """Tell nothing any more. Idempotent."""
        for lookup in self._failing.values():
            lookup.timer.cancel()
        self._failing.clear()

    def _due(self, lookup: ActionLookup) -> None:
        one = self._failing[lookup.name]
        one.due = True
        self._tell_due(lookup, one)

    def _tell_due(self, lookup: ActionLookup, one: _Failing) -> None:
        if not one.due or one.notified or one.failures < FAILURES_MIN:
            return
        one.notified = True
        needing = self._needing(lookup.name)
        waits = lookup.failing == "wait"
        fact = lookup_failing(lookup.name, needing, waits, one.since_ms, one.failures, one.why)
        self._notices.tell(LOOKUP_FAILING, self._org, fact)

    def _needing(self, name: str) -> list[str]:
        """List the names of the actions that need a look-up."""
        return [
            action.name
            for action in self._actions.values()
            if any(needed.name == name for needed in action.lookups)
        ]
