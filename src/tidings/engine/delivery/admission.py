"""Which lane may start another attempt: the bounds of the process, and turns where they bind.

A lane whose org has no permit for it does not wait for a turn, which it could not take: it waits
aside, with those of its org that are trusted alike, until an attempt of its org has ended. Then one
or two that are well have their turn, and one that is new; one that hangs has it where nobody else
waits, and every fourth time in any case. Of the new ones the last and the first have it by turns:
many that nobody has heard of may wait because they hang, and one that is made now must not wait for
all of them.

A lane whose next body is large waits for room besides (body_admission.py), and has its turn when
there is some.
"""

from collections import OrderedDict, deque
from typing import Protocol

from tidings.core.delivery.body_memory import BodyHold
from tidings.core.delivery.turns import Permit, PermitQueue, Permits, Trust
from tidings.core.ids import OrgId
from tidings.engine.delivery.body_admission import BodyAdmission
from tidings.engine.delivery.runner import WebhookRunner

HANGING_TURN = 4  # of so many ends one gives a turn to who hangs, whoever else waits
LOOKED_AT = 16  # lanes, at the end of an attempt
AT_ONCE = 2  # the end of one attempt can make room for more than one


class _WaitingLanes:
    """The lanes of an org that wait for an end of its attempts, in order."""

    __slots__ = ("by_trust", "full", "turn")

    def __init__(self) -> None:
        self.by_trust: dict[Trust, OrderedDict[int, WebhookRunner]] = {
            trust: OrderedDict() for trust in Trust
        }
        self.full: OrderedDict[int, WebhookRunner] = OrderedDict()  # they hold what one may
        self.turn = 0

    @property
    def empty(self) -> bool:
        return not (self.full or any(self.by_trust.values()))


class Sending(Protocol):
    """Knows whether anything may be sent."""

    def may_send(self) -> bool:
        """Return whether it may be now."""


class Admission:
    """The slots of a process. While none wait for one, lanes take them as they come."""

    def __init__(self, attempts_max: int, body_bytes_max: int, sending: Sending) -> None:
        self.permits = Permits(attempts_max)
        self.bodies = BodyAdmission(body_bytes_max, self.permits)
        self._sending = sending
        self._fetched: deque[WebhookRunner] = deque()  # whose bodies have room now
        self._quick = PermitQueue()
        self._slow = PermitQueue()
        self._slow_first = False
        self._waiting: dict[int, WebhookRunner] = {}  # for a turn
        self._waiting_by_org: dict[int, _WaitingLanes] = {}  # by org

    @property
    def crowded(self) -> bool:
        """Return whether lanes wait for their turn."""
        return bool(self._quick.waiting or self._slow.waiting or self._fetched)

    def crowded_for(self, runner: WebhookRunner) -> bool:
        """Return whether others wait whose turn comes before this lane's, though it has just ended
        an attempt."""
        if runner.fetched:
            return False
        if self._quick.waiting or self._slow.waiting:
            return True
        return bool(self._waiting_by_org) and self._is_behind(runner)

    def _is_behind(self, runner: WebhookRunner) -> bool:
        """Return whether others wait aside in its org that come first: those that are trusted
        alike, and anybody where it hangs. Who is sure to be well comes before all."""
        org, pace = runner.webhook.org, runner.pace
        if (waiting := self._waiting_by_org.get(org)) is None:
            return False
        if pace.trust is Trust.HANGING:
            return any(waiting.by_trust.values())
        return bool(waiting.by_trust[pace.trust]) and not self.permits.is_sure(org, pace)

    def admits(self, runner: WebhookRunner, now_s: float) -> bool:
        """Return whether a slot is there for this lane, and room for its next body. What a reader
        fetches takes no slot: it is bounded by what readers may have, and holds no connection while
        it is out."""
        return (
            self._sending.may_send()
            and (
                runner.fetched
                or self.permits.admits(runner.webhook.org, runner.pace, runner.lane.running, now_s)
            )
            and self.bodies.admits(runner)
        )

    def began(self, runner: WebhookRunner, now_s: float) -> Permit | None:
        """Count an attempt that has started, which the lane counts already; return the permit that
        it holds until `ended`, None where it takes none."""
        if runner.fetched:
            return None
        return self.permits.take(runner.webhook.org, runner.pace, now_s)

    def ended(self, permit: Permit, now_s: float, *, answered: bool | None) -> None:
        """Give back what an attempt held, which is over. `answered`: by an answer; None: for a
        reason of ours."""
        self.permits.give(permit, now_s, answered=answered)
        if self._waiting_by_org:
            self.bring(permit.org, now_s)

    def hold_body(self, runner: WebhookRunner, size: int) -> BodyHold:
        """Count the large body of an attempt that has started, of so many bytes; return what it
        holds."""
        hold = self.bodies.take(runner, size)
        self._bring_large()
        return hold

    def give_body(self, hold: BodyHold) -> None:
        """Give back what an attempt held for its body: who waits for room has its turn."""
        hold.resize(0)
        self._bring_large()

    def leave(self, runner: WebhookRunner) -> bool:
        """Note that a lane starts nothing now: it keeps no place before those that wait for room.
        Return whether it had one."""
        if not self.bodies.leave(runner):
            return False
        self._bring_large()
        return True

    def _bring_large(self) -> None:
        for runner in self.bodies.next() if self.bodies.waiting else ():
            if not runner.fetched:
                self._wait(runner, behind=False)
            elif runner not in self._fetched:
                self._fetched.append(runner)

    def bring(self, org: OrgId, now_s: float) -> None:
        """Give away a slot of this org that is free, or was not used: who waits for it has its
        turn."""
        if (waiting := self._waiting_by_org.get(org)) is None:
            return
        self.permits.look_at_young(now_s)
        waiting.turn += 1
        well, new = waiting.by_trust[Trust.WELL], waiting.by_trust[Trust.NEW]
        hanging = waiting.by_trust[Trust.HANGING]
        others = [self._bring_one(well) for _ in range(AT_ONCE)]
        if hanging and not waiting.turn % HANGING_TURN:
            self._bring_one(hanging)
        others.append(self._bring_one(new, last_first=waiting.turn % 2 == 1))
        if not any(others):
            for _ in range(AT_ONCE):
                self._bring_one(hanging)
        self._bring_one(waiting.full)
        if waiting.empty:
            del self._waiting_by_org[org]

    def _bring_one(
        self, waiting: OrderedDict[int, WebhookRunner], *, last_first: bool = False
    ) -> bool:
        """Give one of these its turn; whether there is one that may have it. A few are looked at:
        those that are trusted alike are mostly admitted alike."""
        for _ in range(min(len(waiting), LOOKED_AT)):
            number, runner = waiting.popitem(last=last_first)
            if not runner.lane.can_start:
                continue
            if self._wait(runner, behind=False):
                return True
            if number in waiting:
                waiting.move_to_end(number, last=last_first)
                if runner.pace.trust is not Trust.WELL:
                    return False
                waiting.move_to_end(number)
        return False

    def wait(self, runner: WebhookRunner, now_s: float) -> bool:
        """Let the lane wait for its turn; returns whether it may have one now, and does not wait
        aside."""
        self.permits.look_at_young(now_s)
        waits = self._wait(runner, behind=self._is_behind(runner))
        self._bring_large()
        return waits

    def _wait(self, runner: WebhookRunner, *, behind: bool) -> bool:
        webhook, pace = runner.webhook, runner.pace
        number, org, trust = webhook.number, webhook.org, pace.trust
        if runner.fetched and not self.bodies.admits(runner):
            self.bodies.wait(runner)
            return False
        if behind or not self.permits.org_admits(org, pace):
            self._waiting_by_org.setdefault(org, _WaitingLanes()).by_trust[trust][number] = runner
            self.bodies.leave(runner)
            return False
        if not self.permits.org_admits_beside(org, pace, runner.lane.running):
            self._waiting_by_org.setdefault(org, _WaitingLanes()).full[number] = runner
            self.bodies.leave(runner)
            return False
        if not self.bodies.admits(runner):
            self.bodies.wait(runner)
            return False
        self._waiting[number] = runner
        (self._quick if trust is Trust.WELL else self._slow).join(org, number)
        return True

    def next(self, now_s: float) -> WebhookRunner | None:
        """Return whose turn it is, now that a slot may be free; None where nobody has one."""
        while self._fetched and self._sending.may_send():
            runner = self._fetched.popleft()
            if runner.lane.can_start and self.admits(runner, now_s):
                return runner
            self.leave(runner)
        passed_over: list[WebhookRunner] = []
        found = self._next(now_s, passed_over)
        for runner in reversed(passed_over):
            if not self._wait(runner, behind=False):  # it loses nothing by it
                webhook = runner.webhook
                if (of_org := self._waiting_by_org.get(webhook.org)) is not None:
                    waiting = of_org.by_trust[runner.pace.trust]
                    if webhook.number in waiting:
                        waiting.move_to_end(webhook.number, last=False)
        return found

    def _next(self, now_s: float, passed_over: list[WebhookRunner]) -> WebhookRunner | None:
        permits = self.permits
        while permits.free and self.crowded and self._sending.may_send():
            slow_may = bool(self._slow) and permits.unproven_may(now_s)
            self._slow_first = slow_may and (not self._slow_first or not self._quick)
            turns = self._slow if self._slow_first else self._quick
            number = turns.take(lambda number: self._waiting[number].pace.cost_s)
            if number is None:
                return None
            runner = self._waiting[number]
            if not self.crowded:
                self._waiting.clear()
            if not runner.lane.can_start:
                self.bring(runner.webhook.org, now_s)
            elif self.admits(runner, now_s):
                return runner
            else:
                passed_over.append(runner)
        return None
