"""Who starts next when a process has no permit left for everybody.

Theory: start-time fair queuing, twice. Orgs take turns by the time that their attempts have used,
and so do the webhooks of an org among themselves; one that was idle joins at the time of the last
turn, so it gains nothing by waiting. An attempt costs what the webhook's attempts took lately, and
at least `COST_MIN_S`, so that turns are fair by count as well as by processing time.

A quarter of the permits is kept for lanes that end their attempts quickly: the slow ones can never
hold them all. No org holds more than half of them, however many webhooks it has and however its
receivers do: they cannot be known to be slow before they were. Pure.
"""

import heapq
from collections.abc import Callable, Mapping

from tidings.core.ids import OrgId

COST_MIN_S = 0.005
SLOW_S = 1.0  # a lane whose attempts take longer may not have the last quarter of the permits
QUICK_SHARE = 0.25
ORG_SHARE = 0.5
MEMORY = 0.8  # of what was known, against the newest


class LanePace:
    """How long a lane's attempts take; `now_s` of any one clock."""

    def __init__(self) -> None:
        self.took_s = 0.0
        self._progress_s = 0.0

    def began(self, now_s: float, running: int) -> None:
        """An attempt starts beside `running` others."""
        if not running:
            self._progress_s = now_s

    def ended(self, now_s: float, took_s: float) -> None:
        """An attempt has ended."""
        self.took_s = MEMORY * self.took_s + (1 - MEMORY) * took_s if self.took_s else took_s
        self._progress_s = now_s

    @property
    def cost_s(self) -> float:
        """What another attempt will use."""
        return max(COST_MIN_S, self.took_s)

    def slow(self, now_s: float, running: int) -> bool:
        """Whether its attempts take long, or none of those under way has ended for long."""
        return self.took_s > SLOW_S or (running > 0 and now_s - self._progress_s > SLOW_S)


class Permits:
    """How many attempts of a process are under way, and who may add one."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.used = 0
        self._for_slow = max(1, int(count * (1 - QUICK_SHARE)))
        self._for_org = max(1, int(count * ORG_SHARE))
        self._of_org: dict[int, int] = {}

    @property
    def free(self) -> bool:
        """Whether there is one for a lane that is quick."""
        return self.used < self.count

    def take(self, org: OrgId) -> None:
        """An attempt of this org starts."""
        self.used += 1
        self._of_org[org] = self._of_org.get(org, 0) + 1

    def give(self, org: OrgId) -> None:
        """An attempt of this org is over."""
        left = self._of_org.get(org, 0) - 1
        if left < 0:
            return  # it was given back already
        self.used -= 1
        if left:
            self._of_org[org] = left
        else:
            del self._of_org[org]

    def correct(self, held: Mapping[OrgId, int]) -> int:
        """So many are held by orgs, whatever was counted; returns how many nobody held."""
        lost = self.used - sum(held.values())
        if lost or self._of_org != {org: count for org, count in held.items() if count}:
            self._of_org = {org: count for org, count in held.items() if count}
            self.used = sum(held.values())
        return max(0, lost)

    def full_for(self, org: OrgId) -> bool:
        """Whether this org holds as many as an org may."""
        return self._of_org.get(org, 0) >= self._for_org

    @property
    def scarce(self) -> bool:
        """Whether what is left is for quick lanes only."""
        return self.used >= self._for_slow


class Turns:
    """The webhooks that wait for a permit, by org; each stands once."""

    def __init__(self) -> None:
        self._orgs: list[tuple[float, int, int]] = []  # heaps of time used, arrival, who
        self._webhooks: dict[int, list[tuple[float, int, int]]] = {}
        self._waiting: set[int] = set()
        self._used_by_org: dict[int, float] = {}
        self._used_by_webhook: dict[int, float] = {}
        self._now = 0.0  # what the org of the last turn had used
        self._now_in: dict[int, float] = {}  # and its webhook, in that org
        self._arrivals = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def join(self, org: OrgId, webhook: int) -> None:
        """Wait for a turn."""
        if webhook in self._waiting:
            return
        if not self._waiting:
            self._forget()
        self._waiting.add(webhook)
        self._arrivals += 1
        of_org = self._webhooks.setdefault(org, [])
        if not of_org:
            used = max(self._used_by_org.get(org, 0.0), self._now)
            heapq.heappush(self._orgs, (used, self._arrivals, org))
        used = max(self._used_by_webhook.get(webhook, 0.0), self._now_in.get(org, 0.0))
        heapq.heappush(of_org, (used, self._arrivals, webhook))

    def take(self, cost_of: Callable[[int], float]) -> int | None:
        """Whose turn it is; it waits no longer. `cost_of` says what the turn will use, in seconds.

        None when nobody waits.
        """
        if not self._orgs:
            return None
        self._now, _, org = heapq.heappop(self._orgs)
        of_org = self._webhooks[org]
        used, _, webhook = heapq.heappop(of_org)
        self._now_in[org] = used
        self._waiting.discard(webhook)
        cost = cost_of(webhook)
        self._used_by_webhook[webhook] = used + cost
        self._used_by_org[org] = self._now + cost
        if of_org:
            self._arrivals += 1
            heapq.heappush(self._orgs, (self._used_by_org[org], self._arrivals, org))
        return webhook

    def _forget(self) -> None:
        """Nobody waits: what was used in the last crowd is no matter in the next."""
        self._webhooks.clear()
        self._used_by_org.clear()
        self._used_by_webhook.clear()
        self._now_in.clear()
        self._now = 0.0
