"""Late deliveries: the time at which a delivery outlived what its webhook's owner wished for.

`slaInSeconds` is a wish and changes nothing about sending; it only marks what was late. 0 says the
same as nothing: the original stores 0 where no limit is meant.
"""

from collections.abc import Iterable


def limit_ms(accepted_ms: int, sla_s: int | None) -> int | None:
    """Return the last moment at which a delivery is in time; None if its webhook has no limit."""
    return accepted_ms + sla_s * 1000 if sla_s else None


def breach_ms(accepted_ms: int, sla_s: int | None, done_ms: int | None, now_ms: int) -> int | None:
    """Return when a delivery became late (epoch ms), or None while it is, or was, in time.

    `done_ms` is when it became final, in whatever state; None while it is unfinished: then `now_ms`
    decides. The last moment itself is in time.
    """
    limit = limit_ms(accepted_ms, sla_s)
    if limit is None:
        return None
    return limit if (now_ms if done_ms is None else done_ms) > limit else None


def late(times: Iterable[tuple[int, int | None]], sla_s: int | None, now_ms: int) -> int:
    """Count the late ones of some deliveries, each as (accepted_ms, done_ms)."""
    return sum(breach_ms(start, sla_s, end, now_ms) is not None for start, end in times)
