"""Who starts next when a process has no permit left for everybody.

Theory: start-time fair queuing, twice. Orgs take turns by the time that their attempts have used,
and so do the webhooks of an org among themselves; one that was idle joins at the time of the last
turn, so it gains nothing by waiting. An attempt costs what the webhook's attempts took lately, and
at least `COST_MIN_S`, so that turns are fair by count as well as by processing time.

No org holds more than half of the permits, however many webhooks it has. Of what a process has,
and of what an org may have, those who keep their permits for long leave a part to the others:

    hanging  an attempt without an answer for `HANGS_S`; a webhook with more of them than answers
             since, or whose last attempt was one
    new      a webhook of which nothing is known yet
    well     one that has answered, in time, whatever it said

Attempts that hang and those of new webhooks hold three quarters at most. A receiver can begin to
hang at any time, and so can many that have answered a minute ago, all at once: the last eighth is
for webhooks that have answered since the oldest attempt of their org began, and have not hung
lately. Nor does a webhook alone fill the share of its org: it holds at most twice what it leaves.
No attempt is cut for any of it, so one that hangs keeps its permit until its deadline. Pure.
"""

import heapq
import math
from collections import deque
from collections.abc import Callable, Collection
from enum import Enum, auto

import msgspec

from tidings.core.ids import OrgId

COST_MIN_S = 0.005
HANGS_S = 1.0  # without an answer
UNPROVEN_SHARE = 0.75  # for attempts that hang and those of new webhooks
SURE_PART = 8  # one in so many is for webhooks that are sure to be well
ORG_SHARE = 0.5
LEAVES = 2  # times what it leaves to the others, a webhook may hold
NEW_PART = 8  # of what is left for new ones, a new one may hold one in so many
IDLE_ORGS = 1000  # whose shares are kept
MEMORY = 0.8  # of what was known, against the newest
DOUBT, DOUBT_MAX = 4, 8  # answers in time that one without costs, until a webhook is sure again
OLDEST_PARTS = 4  # of a second, in which the begin of the oldest attempt is known


class Trust(Enum):
    """The expectation of how a webhook's attempts will go."""

    HANGING = auto()
    NEW = auto()
    WELL = auto()


_HANGING, _NEW, _WELL = Trust  # by a name of the module: these are asked at each attempt


class LanePace:
    """The pace of a webhook: how long its attempts hold their permits; `now_s` of any one clock."""

    __slots__ = ("_answered_s", "_answers", "_doubt", "_hung", "_known", "took_s", "trust")

    def __init__(self) -> None:
        self.took_s = 0.0
        self.trust = _NEW  # what is expected of its attempts
        self._known = False  # an attempt has ended or hung
        self._hung = 0  # attempts that hang now
        self._answers = 0  # in time, since the last one that was not
        self._doubt = 0
        self._answered_s = -math.inf

    def trusted(self) -> None:
        """Note that it is known to have answered before this process."""
        self._known, self._answers = True, 1
        self._judge()

    def hangs(self) -> None:
        """Note that an attempt has no answer yet."""
        self._known = True
        self._hung += 1
        self._answers = 0
        self._doubt = min(DOUBT_MAX, self._doubt + DOUBT)
        self._judge()

    def ended(self, now_s: float, took_s: float, *, hung: bool, answered: bool | None) -> None:
        """Note that an attempt has ended, one that `hangs` has told of (`hung`) or not. `answered`:
        whether by its receiver's answer; None: for a reason of ours, which tells nothing."""
        before_s = self.took_s
        self.took_s = MEMORY * before_s + (1 - MEMORY) * took_s if before_s else took_s
        if answered and not hung:  # nearly always
            self._known = True
            self._answers += 1
            self._answered_s = now_s
            if self._doubt:
                self._doubt -= 1
            if self.trust is _WELL:
                return
        elif hung:
            self._hung -= 1
        else:
            self._known |= answered is not None
        self._judge()

    def _judge(self) -> None:
        if self._answers > self._hung:
            self.trust = _WELL
        else:
            self.trust = _HANGING if self._known else _NEW

    @property
    def cost_s(self) -> float:
        """Estimate what another attempt will use, in seconds."""
        return max(COST_MIN_S, self.took_s)

    def is_sure(self, since_s: float) -> bool:
        """Return whether it has answered since then, and has not hung lately."""
        return not self._doubt and self._answered_s >= since_s


class _Kind(Enum):
    """As what an attempt under way is counted."""

    SURE = auto()
    UNSURE = auto()  # of a webhook that is well and may begin to hang
    UNPROVEN = auto()  # of one that hangs or is new
    HUNG = auto()
    OVER = auto()


_SURE, _UNSURE, _UNPROVEN, _HUNG, _OVER = _Kind


class Permit(msgspec.Struct, eq=False, gc=False):  # one for each attempt, in no circle
    """One attempt that is under way."""

    org: OrgId
    pace: LanePace
    began_s: float
    kind: _Kind

    @property
    def hung(self) -> bool:
        """Return whether it hangs."""
        return self.kind is _HUNG


class _Share:
    """So many permits, of a process or of an org in it: how many are held, and of what kind."""

    __slots__ = (
        "for_unproven",
        "for_unsure",
        "half",
        "hung",
        "size",
        "unproven",
        "unsure",
        "used",
        "young",
    )

    def __init__(self, size: int) -> None:
        self.size = size
        self.half = size // 2
        self.for_unproven = max(1, int(size * UNPROVEN_SHARE))
        self.for_unsure = max(1, size - max(1, size // SURE_PART))  # and for those that hang
        self.used = 0
        self.unproven = 0  # those that hang among them
        self.unsure = 0
        # Of an org, those under way by their begin: first those that hang. Young ones may be over.
        self.hung: dict[Permit, None] = {}
        self.young: deque[Permit] = deque()

    def admits(self, trust: Trust) -> bool:
        """Return whether there is one more for such a webhook, if it is not sure to be well."""
        return (
            self.used < self.size
            and self.unproven + self.unsure < self.for_unsure
            and (self.unproven < self.for_unproven or trust is _WELL)
        )

    def admits_beside(self, trust: Trust, running: int) -> bool:
        """Return whether there is one more for such a webhook, which holds `running`."""
        if trust is _WELL:
            most = LEAVES * (self.size - self.used)
        elif trust is _NEW:
            most = (self.for_unproven - self.unproven) // NEW_PART
        else:
            most = LEAVES * (self.for_unproven - self.unproven)
        return running < max(1, most)

    def is_sure(self, pace: LanePace) -> bool:
        """Return whether a webhook is well beyond doubt: it has answered since the oldest attempt
        under way began, and has not hung lately."""
        return pace.trust is _WELL and pace.is_sure(self._oldest_s())

    def _oldest_s(self) -> float:
        """Return when the oldest attempt under way began, to a part of a second before."""
        oldest = next(iter(self.hung), None)
        if oldest is None:
            drop_over(self.young)
            if not self.young:
                return -math.inf
            oldest = self.young[0]
        return math.floor(oldest.began_s * OLDEST_PARTS) / OLDEST_PARTS

    def hangs(self, kind: _Kind) -> None:
        """Note that one that was counted so hangs from now on."""
        if kind is not _UNPROVEN:
            self.unproven += 1
            if kind is _UNSURE:
                self.unsure -= 1


def drop_over(young: deque[Permit]) -> None:
    """Forget the oldest ones that are over."""
    while young and young[0].kind is _OVER:
        young.popleft()


class Permits:
    """The attempts of a process that are under way, and who may add one."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._all = _Share(count)
        self._of_org: dict[int, _Share] = {}  # those with attempts under way, and some idle ones
        self._org_size = max(1, int(count * ORG_SHARE))
        self._idle = _Share(self._org_size)
        self._hung = 0
        self._young: deque[Permit] = deque()  # by their begin; some are over

    @property
    def used(self) -> int:
        """Count the attempts under way."""
        return self._all.used

    @property
    def free(self) -> bool:
        """Return whether there is one for a webhook that is sure to be well."""
        return self._all.used < self.count

    @property
    def busy(self) -> bool:
        """Return whether more than half of what attempts that hang leave is in use."""
        return (self._all.used - self._hung) * 2 > self.count - self._hung

    def look_at_young(self, now_s: float) -> None:
        """Count those as hanging from now on that have had no answer for long."""
        young, before_s = self._young, now_s - HANGS_S
        drop_over(young)
        while young and young[0].began_s <= before_s:
            permit = young.popleft()
            share = self._of_org[permit.org]
            self._all.hangs(permit.kind)
            share.hangs(permit.kind)
            drop_over(share.young)  # then it is the first there too
            share.hung[share.young.popleft()] = None
            permit.kind = _HUNG
            permit.pace.hangs()
            self._hung += 1
            drop_over(young)

    def hanging(self, now_s: float) -> int:
        """Count the attempts under way that have had no answer for `HANGS_S`."""
        self.look_at_young(now_s)
        return self._hung

    def unproven_may(self, now_s: float) -> bool:
        """Return whether the process has one for a webhook that hangs or is new."""
        self.look_at_young(now_s)
        return self._all.admits(_NEW)

    def is_sure(self, org: OrgId, pace: LanePace) -> bool:
        """Return whether a webhook is well beyond doubt, beside those of its org."""
        return self._of_org.get(org, self._idle).is_sure(pace)

    def org_admits(self, org: OrgId, pace: LanePace) -> bool:
        """Return whether the org has one more for any webhook of such a pace."""
        share = self._of_org.get(org, self._idle)
        return share.admits(pace.trust) or (share.used < share.size and share.is_sure(pace))

    def org_admits_beside(self, org: OrgId, pace: LanePace, running: int) -> bool:
        """Return whether the org has one more for a webhook of such a pace that holds `running`."""
        return self._of_org.get(org, self._idle).admits_beside(pace.trust, running)

    def admits(self, org: OrgId, pace: LanePace, running: int, now_s: float) -> bool:
        """Return whether its org and the process have one more for a webhook that holds
        `running`."""
        young = self._young
        while young and young[0].kind is _OVER:  # asked for each attempt: nothing is called
            young.popleft()
        if young and young[0].began_s <= now_s - HANGS_S:
            self.look_at_young(now_s)
        share, whole = self._of_org.get(org, self._idle), self._all
        if share.used >= share.size or whole.used >= whole.size:
            return False
        trust = pace.trust
        if trust is _WELL:  # nearly always, and without a crowd nothing else is asked
            unsure = share.unproven + share.unsure < share.for_unsure
            if unsure and whole.unproven + whole.unsure < whole.for_unsure:
                return running < max(1, LEAVES * (share.size - share.used))
        if not (share.admits(trust) and whole.admits(trust)) and not share.is_sure(pace):
            return False
        return share.admits_beside(trust, running)

    def take(self, org: OrgId, pace: LanePace, now_s: float) -> Permit:
        """Take a permit for an attempt that starts."""
        share, whole = self._of_org.get(org), self._all
        if share is None:
            share = self._enter(org)
        if pace.trust is not _WELL:
            kind = _UNPROVEN
        elif share.used >= share.half and share.is_sure(pace):
            kind = _SURE
        else:  # or nobody has to know
            kind = _UNSURE
        share.used += 1
        whole.used += 1
        if kind is _UNSURE:
            share.unsure += 1
            whole.unsure += 1
        elif kind is _UNPROVEN:
            share.unproven += 1
            whole.unproven += 1
        permit, young = Permit(org, pace, now_s, kind=kind), share.young
        while young and young[0].kind is _OVER:
            young.popleft()
        young.append(permit)
        self._young.append(permit)
        return permit

    def _enter(self, org: OrgId) -> _Share:
        if len(self._of_org) >= IDLE_ORGS:
            self._of_org = {org: share for org, share in self._of_org.items() if share.used}
        share = self._of_org[org] = _Share(self._org_size)
        return share

    def give(self, permit: Permit, now_s: float, *, answered: bool | None) -> None:
        """Give back the permit of an attempt that is over; do nothing if it was given already.
        `answered`: by an answer; None: for a reason of ours."""
        if permit.kind is _OVER:
            return
        if permit.kind is not _HUNG and permit.began_s <= now_s - HANGS_S:
            self.look_at_young(now_s)
        kind, share, whole = permit.kind, self._of_org[permit.org], self._all
        permit.kind = _OVER
        share.used -= 1
        whole.used -= 1
        if kind is _UNSURE:
            share.unsure -= 1
            whole.unsure -= 1
        elif kind is not _SURE:
            share.unproven -= 1
            whole.unproven -= 1
        hung = kind is _HUNG
        if hung:
            self._hung -= 1
            del share.hung[permit]
        permit.pace.ended(now_s, now_s - permit.began_s, hung=hung, answered=answered)

    def take_back_but(self, held: Collection[Permit], now_s: float) -> int:
        """Give back those that nobody holds; returns how many that were."""
        lost = [
            permit
            for share in self._of_org.values()
            for permit in (*share.hung, *share.young)
            if permit.kind is not _OVER and permit not in held
        ]
        for permit in lost:
            self.give(permit, now_s, answered=None)
        return len(lost)


class PermitQueue:
    """The webhooks that wait for a permit, by org; each stands once."""

    def __init__(self) -> None:
        self._orgs: list[tuple[float, int, int]] = []  # heaps of time used, arrival, who
        self._webhooks: dict[int, list[tuple[float, int, int]]] = {}
        self.waiting: set[int] = set()  # asked for each attempt whether there are any
        self._used_by_org: dict[int, float] = {}
        self._used_by_webhook: dict[int, float] = {}
        self._now = 0.0  # what the org of the last turn had used
        self._now_in: dict[int, float] = {}  # and its webhook, in that org
        self._arrivals = 0

    def __len__(self) -> int:
        return len(self.waiting)

    def join(self, org: OrgId, webhook: int) -> None:
        """Wait for a turn."""
        if webhook in self.waiting:
            return
        if not self.waiting:
            self._forget()
        self.waiting.add(webhook)
        self._arrivals += 1
        of_org = self._webhooks.setdefault(org, [])
        if not of_org:
            used = max(self._used_by_org.get(org, 0.0), self._now)
            heapq.heappush(self._orgs, (used, self._arrivals, org))
        used = max(self._used_by_webhook.get(webhook, 0.0), self._now_in.get(org, 0.0))
        heapq.heappush(of_org, (used, self._arrivals, webhook))

    def take(self, cost_of: Callable[[int], float]) -> int | None:
        """Return whose turn it is; it waits no longer. `cost_of` says what the turn will use, in
        seconds.

        None when nobody waits.
        """
        if not self._orgs:
            return None
        self._now, _, org = heapq.heappop(self._orgs)
        of_org = self._webhooks[org]
        used, _, webhook = heapq.heappop(of_org)
        self._now_in[org] = used
        self.waiting.discard(webhook)
        cost = cost_of(webhook)
        self._used_by_webhook[webhook] = used + cost
        self._used_by_org[org] = self._now + cost
        if of_org:
            self._arrivals += 1
            heapq.heappush(self._orgs, (self._used_by_org[org], self._arrivals, org))
        return webhook

    def _forget(self) -> None:
        """Forget what was used, since nobody waits: it is no matter in the next crowd."""
        self._webhooks.clear()
        self._used_by_org.clear()
        self._used_by_webhook.clear()
        self._now_in.clear()
        self._now = 0.0
