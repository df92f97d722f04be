"""When shops are open: nobody buys or returns at a till of a closed one."""

from tidings.simulator.programme import DAY_MS, store_of

HOUR_MS = 3_600_000
MARGIN_MS = 600_000  # nobody comes in the last minutes
SPECIAL = 0.05  # of closed days on which somebody is served all the same


def opening(till: int, now_ms: int, special: bool) -> tuple[int, int]:
    """From when until when the shop takes bills: now if it is open, otherwise when it next opens.

    On the weekly closed day it does so in a `special` case only.
    """
    store = store_of(till)
    offset = store.offset_min * 60_000
    day = (now_ms + offset) // DAY_MS
    while True:
        weekday = (day + 3) % 7  # 1970-01-01 was a Thursday
        opens = day * DAY_MS + int(store.opens_h * HOUR_MS) - offset
        closes = day * DAY_MS + int(store.closes_h * HOUR_MS) - offset - MARGIN_MS
        if now_ms < closes and (special or weekday != store.closed):
            return opens, closes
        day += 1
