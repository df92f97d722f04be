"""Whether a part of the service works, judged by its signs of life. Pure: time is handed in.

The time is that of a clock which stands still while the event loop does (`AwakeClock`): what held
up the loop held up all parts alike, and says nothing of any one of them.
"""

from enum import Enum

import msgspec

from tidings.core.running.restarts import SOUND_AFTER_S
from tidings.core.running.service_part import ServicePart, count_word


class PartCondition(Enum):
    """The conditions of a part, from well to worst."""

    WELL = "well"
    RESTARTED = "restarted"  # it failed a short while ago and works again
    SLOW = "slow"  # it gives no sign of life, and may take still longer
    SILENT = "silent"  # it gives no sign of life
    DOWN = "down"  # it has failed, and is not running


FAILING = frozenset({PartCondition.SLOW, PartCondition.SILENT, PartCondition.DOWN})
_WITHOUT_LIFE = (PartCondition.SLOW, PartCondition.SILENT)


class Pulse(msgspec.Struct):
    """Signs of life of one task or process of a part; times in seconds of the awake clock."""

    beat_s: float = 0.0  # when it last gave a sign of life
    due_s: float = 0.0  # by when it must give its next one, or is told of
    running: bool = False
    failures: int = 0  # in a row
    failed_s: float = 0.0  # when it last failed
    restart_s: float = 0.0  # by when it must, or is restarted; not before `due_s`


class Finding(msgspec.Struct, frozen=True):
    """A finding about a part that is to be told."""

    part: ServicePart
    condition: PartCondition
    for_s: float  # how long it has been silent, in seconds
    failures: int = 0

    @property
    def stops_service(self) -> bool:
        """Return whether nothing is accepted, sent or settled because of it."""
        return self.part.vital and self.fails

    @property
    def fails(self) -> bool:
        """Tell whether the part does not do its work at this moment."""
        return self.condition in FAILING


class AwakeClock:
    """Adds up the time in which the event loop ran: a stretch without a tick counts as one tick."""

    def __init__(self, now_s: float, tick_s: float) -> None:
        self._ticked_s = now_s
        self._most_s = 2 * tick_s
        self.now_s = 0.0

    def tick(self, now_s: float) -> None:
        """Count the time since the last tick, as far as the loop can have run in it."""
        self.now_s += min(max(0.0, now_s - self._ticked_s), self._most_s)
        self._ticked_s = now_s


def judge_pulse(pulse: Pulse, now_s: float) -> PartCondition:
    """Judge one task or process."""
    if not pulse.running:
        return PartCondition.DOWN if pulse.failures else PartCondition.WELL
    if now_s > pulse.due_s:
        waits = now_s <= pulse.restart_s
        return PartCondition.SLOW if waits else PartCondition.SILENT
    if pulse.failures and now_s - pulse.failed_s < SOUND_AFTER_S:
        return PartCondition.RESTARTED
    return PartCondition.WELL


_ORDER = list(PartCondition)


def judge_part(part: ServicePart, pulses: list[Pulse], now_s: float) -> Finding:
    """Judge a part by the worst of its tasks or processes."""
    worst = Finding(part, PartCondition.WELL, 0.0)
    for pulse in pulses:
        condition = judge_pulse(pulse, now_s)
        late_s = max(0.0, now_s - pulse.beat_s) if condition in _WITHOUT_LIFE else 0.0
        if _ORDER.index(condition) > _ORDER.index(worst.condition):
            worst = Finding(part, condition, late_s, failures=pulse.failures)
    return worst


def describe_finding(finding: Finding) -> str:
    """Say what is wrong with a part and what follows, for an operator. "" where it is healthy."""
    part, what = finding.part, f'The part "{finding.part.name}"'
    again = "Tidings is restarting it. If this stays, restart the service."
    if not part.restarts:
        again = "Restart the service, and see its log for the cause."
    match finding.condition:
        case PartCondition.WELL:
            return ""
        case PartCondition.SLOW:
            waits = f"waiting for {part.waits_for}" if part.waits_for else "at one piece of work"
            look = f"Check {part.waits_for}" if part.waits_for else "See the log of the service"
            since = f"has been {waits} for {finding.for_s:.0f} s"
            return f"{what} {since}: {part.stalls}. {look}; Tidings goes on by itself."
        case PartCondition.SILENT:
            since = f"has not responded for {finding.for_s:.0f} s"
            return f"{what} {since}: {part.stalls}. {again}"
        case PartCondition.DOWN:
            failed = f"has failed {count_word(finding.failures, 'time')} in a row"
            return f"{what} {failed}: {part.stalls}. {again}"
        case PartCondition.RESTARTED:
            failed = f"failed {count_word(finding.failures, 'time')} in a row and runs again"
            return f"{what} {failed}. See the log of the service for the cause."
