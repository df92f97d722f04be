"""Who is calling too often: quotas of credentials and orgs, asked for each call.

Calls of the control API are counted by the minute, 1,000 where a credential says nothing; events by
the second, and only where a limit was set. The platform's own credential has no limit but its own.
"""

import time

import msgspec

from tidings.core.access.quota import Quota
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.engine.callables import ReadSeconds
from tidings.engine.orgs import Orgs

CALLS_PER_MINUTE = 1000.0
KEPT_MAX = 20_000

_CALLS, _EVENTS, _ORG_EVENTS = "calls", "events", "org-events"


class Allowance(msgspec.Struct, frozen=True):
    """A call's allowance: whether it must wait, and what its answer says of it."""

    wait_s: float  # 0: it may go on
    policy: str  # RateLimit-Policy
    state: str  # RateLimit

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers of the answer that show the limits."""
        return [
            (b"ratelimit-policy", self.policy.encode()),
            (b"ratelimit", self.state.encode()),
        ]


class Quotas:
    """The quotas in use. Quotas that are full say nothing and are forgotten when there are many."""

    def __init__(self, orgs: Orgs, now_s: ReadSeconds = time.monotonic) -> None:
        self._orgs = orgs
        self._now_s = now_s
        self._quotas: dict[tuple[str, str], Quota] = {}

    def call(self, caller: AuthenticatedCaller) -> Allowance | None:
        """Count a call of the control API; None where it is not limited."""
        rate = caller.calls_per_minute
        if rate is None:
            if caller.platform:
                return None
            rate = CALLS_PER_MINUTE
        return self._take([self._quota(_CALLS, caller.credential, rate, 60.0)])

    def events(self, caller: AuthenticatedCaller) -> Allowance | None:
        """Count the first event of a call, before its body is read; None where nothing limits."""
        quotas = self._of_events(caller)
        return self._take(quotas) if quotas else None

    def more_events(self, caller: AuthenticatedCaller, count: int) -> None:
        """Count the other events of a call that was let in; the next call waits for what was too
        much."""
        if count > 0:
            for quota in self._of_events(caller):
                quota.charge(count)

    def _of_events(self, caller: AuthenticatedCaller) -> list[Quota]:
        quotas = []
        if caller.events_per_s is not None:
            quotas.append(self._quota(_EVENTS, caller.credential, caller.events_per_s, 1.0))
        if not caller.platform:
            whole = self._orgs.settings(caller.org).limits.events_per_second
            if whole is not None:
                quotas.append(self._quota(_ORG_EVENTS, str(caller.org), whole, 1.0))
        return quotas

    def _quota(self, name: str, of: str, quantity: float, window_s: float) -> Quota:
        quota = self._quotas.get((name, of))
        if quota is None or quota.asked != (quantity, window_s):
            if len(self._quotas) >= KEPT_MAX:
                self._forget_full()
            quota = Quota(name, quantity, window_s, self._now_s())
            self._quotas[name, of] = quota
        return quota

    def _forget_full(self) -> None:
        now_s = self._now_s()
        for key, quota in list(self._quotas.items()):
            quota.wait_s(now_s)
            if quota.full:
                del self._quotas[key]

    def _take(self, quotas: list[Quota]) -> Allowance:
        """Take from all of the quotas or from none. Return how long to wait and what is left."""
        now_s = self._now_s()
        wait_s = max(quota.wait_s(now_s) for quota in quotas)
        if not wait_s:
            for quota in quotas:
                quota.take(now_s)
        return Allowance(
            wait_s,
            ", ".join(quota.policy for quota in quotas),
            ", ".join(quota.state for quota in quotas),
        )
