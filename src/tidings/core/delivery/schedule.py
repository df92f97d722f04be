"""When a failed attempt is followed by the next one.

The schedule counts from the end of the previous attempt; the window counts from the commit of the
event. The last attempt starts at the end of the window and never later (docs/contract/delivery.md,
"Retries": the original retries for at least seven days).
"""

import random

import msgspec

HOUR_S = 3600.0
WINDOW_S = 168 * HOUR_S
DELAYS_S = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 7200.0, 14400.0, 28800.0, 43200.0)
JITTER = 0.2
RETRY_AFTER_MAX_S = 24 * HOUR_S


class Schedule(msgspec.Struct, frozen=True):
    """Delays in seconds after attempt 1, 2, 3 …; the last one repeats until the window ends."""

    delays_s: tuple[float, ...] = DELAYS_S
    window_s: float = WINDOW_S
    jitter: float = JITTER  # each delay is drawn from delay · (1 ± jitter)


DEFAULT_SCHEDULE = Schedule()


def next_delay_s(
    schedule: Schedule,
    attempts: int,
    age_s: float,
    rng: random.Random,
    retry_after_s: float | None = None,
) -> float | None:
    """Return the seconds from now to the next attempt, or None when the window is used up.

    `attempts` have been made (1 or more); the delivery is `age_s` seconds old by the store's clock.
    A receiver's `retry_after_s` moves the attempt later than the schedule, to 24 h at most. What
    would fall after the end of the window is moved to its end, so that the last attempt is made
    there; an attempt that was itself made at the end has no successor.
    """
    base = schedule.delays_s[min(attempts, len(schedule.delays_s)) - 1]
    delay = base * (1 + schedule.jitter * (2 * rng.random() - 1))
    if retry_after_s is not None:
        delay = max(delay, min(retry_after_s, RETRY_AFTER_MAX_S))
    left = schedule.window_s - age_s
    if left <= 0:
        return None
    return min(delay, left)
