"""What a lane tells of a delivery that somebody looks at: that its attempt has begun, or what
stands before it. It is read off what the lane decides by, in the order in which it decides."""

import asyncio
from typing import Protocol

import msgspec

from tidings.core.delivery.lane import Lane
from tidings.core.delivery.next_attempt import CLEAR, NextAttempt, Wait
from tidings.core.delivery.receivers.breaker import Position
from tidings.core.ids import DeliveryId
from tidings.engine.clock import Clock
from tidings.engine.delivery.admission import Admission, Sending
from tidings.engine.delivery.guards.connection_watch import ConnectionWatch
from tidings.engine.delivery.health_tracker import HealthTracker
from tidings.engine.delivery.runner import WebhookRunner
from tidings.store import port

_ANY = DeliveryId(0)  # no delivery has this number, so none of it is in flight
WAIT_MIN_S = 0.001  # less is no wait: the lane's timer rings


class KnownRunners(Protocol):
    """Knows the webhooks at work, and changes nothing when it is asked."""

    def known(self, number: int) -> WebhookRunner | None:
        """Return a webhook's runner, if there is one; also a deleted one's whose attempts go on."""


class NextAttempts:
    """Looks at the lanes of a process; it changes nothing."""

    def __init__(
        self,
        runners: KnownRunners,
        sending: Sending,
        healths: HealthTracker,
        clock: Clock,
        admission: Admission,
        connections: ConnectionWatch | None = None,
    ) -> None:
        self._connections = connections
        self._runners = runners
        self._sending = sending
        self._healths = healths
        self._clock = clock
        self._admission = admission
        self._loop = asyncio.get_running_loop()

    def of(self, webhook: int, delivery: DeliveryId, retry: bool) -> NextAttempt:
        """Describe the next attempt of a delivery, by the numbers of it and its webhook: that it
        has begun, or what stands before it. `retry`: it is due at a time."""
        now_s, now_ms = self._loop.time(), self._clock.now_ms()
        runner, health = self._runners.known(webhook), self._healths.of(webhook)
        if runner is None:
            until_ms = _left_alone_until(health) or 0
            return NextAttempt(why=Wait.BREAKER, until_ms=until_ms) if until_ms > now_ms else CLEAR
        if (begun := runner.lane.unsettled_attempts.get(delivery, 0)) != 0:
            return NextAttempt(begun=begun)
        next_attempt = self._waits(runner, health, delivery, retry, now_s, now_ms)
        if retry and (runner.claiming or runner.lane.has_claimed(delivery)):
            return msgspec.structs.replace(next_attempt, claimed=True)
        return next_attempt

    def _waits(
        self,
        runner: WebhookRunner,
        health: port.StoredHealth | None,
        delivery: DeliveryId,
        retry: bool,
        now_s: float,
        now_ms: int,
    ) -> NextAttempt:
        if not self._sending.may_send():
            return NextAttempt(why=Wait.STORE)
        if self._connections is not None and (hold := self._connections.hold_of(runner.webhook)):
            return NextAttempt(why=Wait.CONNECTION, over=hold.connection)
        if (rest := runner.rest) is not None:
            return NextAttempt(
                why=Wait.LIMIT, until_ms=_at(now_ms, rest.until_s - now_s), over=rest.reason
            )
        return (
            _left_alone(runner.lane, health, now_s, now_ms)
            or _in_the_lane(runner.lane, delivery, retry, now_s, now_ms)
            or (CLEAR if self._admission.admits(runner, now_s) else NextAttempt(why=Wait.SLOTS))
        )

    def next_in_ms(self, webhook: int, delay_ms: int) -> int | None:
        """Return when a retry that is due in `delay_ms` may start; None where its lane sends
        nothing."""
        runner = self._runners.known(webhook)
        if runner is None or not runner.lane.open:
            return None
        until_ms = self.of(webhook, _ANY, True).until_ms
        return delay_ms if until_ms is None else max(delay_ms, until_ms - self._clock.now_ms())


def _left_alone(
    lane: Lane, health: port.StoredHealth | None, now_s: float, now_ms: int
) -> NextAttempt | None:
    """Explain a wait for the breaker or for the time that the receiver has asked for; whichever is
    longer."""
    breaker = lane.breaker
    left_s = breaker.wait_s(now_s)
    held_s = lane.learned.wait_s(now_s) if lane.learned.shut else 0.0
    if held_s > max(WAIT_MIN_S, left_s):
        why = Wait.RETRY_AFTER if lane.learned.wait_is_receivers else Wait.REFUSES
        return NextAttempt(why=why, until_ms=_at(now_ms, held_s))
    if left_s > WAIT_MIN_S:
        return NextAttempt(
            why=Wait.BREAKER, until_ms=_left_alone_until(health) or _at(now_ms, left_s)
        )
    if breaker.position is not Position.CLOSED and not breaker.admits(now_s):
        return NextAttempt(why=Wait.PROBE)
    return None


def _in_the_lane(
    lane: Lane, delivery: DeliveryId, retry: bool, now_s: float, now_ms: int
) -> NextAttempt | None:
    if not retry and lane.behind and not lane.dormant and delivery > lane.cursor:
        return NextAttempt(why=Wait.OLDER)
    if not lane.asked_for:
        return NextAttempt(why=Wait.READER)
    most = max(1, int(min(lane.cap, lane.limit)))
    if lane.running >= most:
        why = Wait.CONNECTIONS if most >= lane.cap else Wait.SLOWED
        return NextAttempt(why=why, most=most)
    rate = lane.rate_limit
    if rate is not None and (wait_s := rate.wait_s(now_s)) > WAIT_MIN_S:
        return NextAttempt(why=Wait.RATE, until_ms=_at(now_ms, wait_s), most=rate.rate)
    learned = lane.learned
    if learned.rate is not None and (wait_s := learned.wait_s(now_s)) > WAIT_MIN_S:
        about = round(learned.rate, 1)
        return NextAttempt(why=Wait.LEARNED, until_ms=_at(now_ms, wait_s), most=about)
    return None


def _left_alone_until(health: port.StoredHealth | None) -> int | None:
    """Return until when the webhook is left alone, by the time that its own page shows."""
    return health.until_ms if health is not None and health.opens else None


def _at(now_ms: int, wait_s: float) -> int:
    return now_ms + round(wait_s * 1000)
