"""Streaks: consecutive weeks with a purchase, counted from the streak's start."""

from collections import defaultdict
from dataclasses import dataclass, field

from tests.simulator.audit_reading import DAY_MS, HOUR_MS, Event, Told, clock_ms, instant
from tidings.simulator.programme import STREAK_LEVELS

WEEK_MS = 7 * DAY_MS


@dataclass
class Run:
    """One streak of a customer."""

    id: str
    starts_ms: int
    ends_ms: int
    weeks: defaultdict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    level: int = 0

    @property
    def count(self) -> int:
        """Weeks in a row, from the first."""
        return next(week for week in range(len(self.weeks) + 1) if not self.weeks.get(week))

    def missed(self, at_ms: int) -> int:
        """The end of the first week that is over without a purchase; 0 where none is."""
        end = self.starts_ms + (self.count + 1) * WEEK_MS
        return end if end <= at_ms else 0


class Streaks:
    """All streaks of a story, from purchases and returns."""

    def __init__(self) -> None:
        self._runs: dict[int, Run] = {}

    def read(self, event: Event) -> Told:
        """What one event contradicts."""
        if event.customer is None:
            return
        if event.name == "streakCustomerEnrolment":
            [told] = event.data["streakEnrolmentData"]
            start, end = clock_ms(told["startDate"]), clock_ms(told["endDate"])
            self._runs[event.customer] = Run(told["userStreakId"], start, end)
            return
        run = self._runs.get(event.customer)
        if run is None:
            if event.name in ("streakLevelAchieved", "streakLevelUnAchieved", "streakEnd"):
                yield "streak", "there is none"
            return
        missed = run.missed(event.at_ms)
        if missed and event.at_ms > missed + HOUR_MS and event.name != "streakEnd":
            yield "streak", f"a week without a purchase ended it {instant(missed)}"
            del self._runs[event.customer]
            return
        match event.name:
            case "transactionAdded":
                week = (event.at_ms - run.starts_ms) // WEEK_MS
                run.weeks[week].add(event.data["transactionId"])
            case "transactionUpdated" if event.data["deliveryStatus"] == "RETURNED":
                week = (event.at_ms - run.starts_ms) // WEEK_MS
                run.weeks[week].discard(event.data["transactionId"])
            case "streakLevelAchieved" | "streakLevelUnAchieved":
                yield from self._level(event, run)
            case "streakEnd":
                yield from self._end(event, run)
            case "streakCustomerUnEnrolment":
                [told] = event.data["streakUnEnrolmentData"]
                if told["streakValueWhenUnEnrolled"] != str(run.count):
                    yield "streak", f"{run.count} weeks, told {told['streakValueWhenUnEnrolled']}"
                del self._runs[event.customer]
            case _:
                pass

    def _level(self, event: Event, run: Run) -> Told:
        [told] = event.data["streakData"]
        level = int(told["streakLevelName"].split()[-1])
        if (told["userStreakId"], told["userCurrentStreakValue"]) != (run.id, str(run.count)):
            yield "streak", f"{run.count} weeks, told {told['userCurrentStreakValue']}"
        gained = event.name == "streakLevelAchieved"
        wanted = STREAK_LEVELS[level - 1] - (not gained)
        if run.count != wanted or level != run.level + gained:
            yield "streak", f"level {level} after {run.count} weeks and level {run.level}"
        run.level = level if gained else level - 1

    def _end(self, event: Event, run: Run) -> Told:
        [told] = event.data["streakEndData"]
        reached = sum(run.count >= level for level in STREAK_LEVELS)
        if int(told["userStreakValueByTheEnd"]) != run.count:
            yield "streak", f"{run.count} weeks, told {told['userStreakValueByTheEnd']}"
        if not int(told["numberOfLevelsAchievedByTheUser"]) == reached == run.level:
            yield "streak", f"levels: {reached} reached, {run.level} told"
        end = min(run.missed(event.at_ms) or run.ends_ms, run.ends_ms)
        if not 0 <= event.at_ms - end < HOUR_MS or clock_ms(told["endDate"]) != end:
            yield "streak", f"it was over {instant(end)}, not {told['endDate']}"
        assert event.customer is not None
        del self._runs[event.customer]
