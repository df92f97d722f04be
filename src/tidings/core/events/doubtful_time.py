"""Whether `createdAt` can be the time of an event in milliseconds: told where it cannot. Pure."""

from typing import Any

DAY_MS = 86_400_000
SURELY_MS = 100_000_000_000  # 1973; what is below is told as what it looks like
SECONDS_FROM, SECONDS_TO = 946_684_800, 4_102_444_800  # 2000 and 2100, in seconds


def doubt_of_time(created: Any, now_ms: int) -> str | None:
    """A warning for a time in another unit, or far from now; None where it may be right."""
    if created.__class__ is bool or not isinstance(created, int | float):
        return None  # absent, or what only the schema of a type can judge
    if SURELY_MS <= created <= now_ms + DAY_MS:
        return None
    must = "createdAt should be milliseconds since 1970"
    if created < 0:
        return f"{must}; it is negative, which is before 1970. Check the sender's clock and unit."
    if SECONDS_FROM <= created < SECONDS_TO:
        return f"{must}; it looks like seconds. Multiply it by 1,000."
    if created <= now_ms + DAY_MS:
        return None
    if created >= SURELY_MS * 1000:
        return f"{must}; it looks like microseconds or finer. Divide it by 1,000 or 1,000,000."
    return f"{must}; it is more than a day in the future. Check the sender's clock and unit."
