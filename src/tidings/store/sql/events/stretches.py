"""Where a value is among rising ones of which each look costs a question: segments of the search
and the runs of events, both of which are spread nearly evenly."""

from collections.abc import Callable


def narrow(
    low: int,
    high: int,
    ends: tuple[int, int],
    value_at: Callable[[int], int],
    wanted: int,
    margin: int,
) -> tuple[int, int]:
    """Return a stretch of places in or right behind which the first one is whose value is not below
    the wanted one; of those from `low` on, before `high`. It is no longer than two margins.

    `ends`: values that are not above the first one's, and not below the last one's. The place is
    looked for a little before and a little behind where it would be if values rose evenly between
    two that are known, and in turns with that in the middle: so it is found by some four looks
    where they do, and by twice as many as by halves where they do not.
    """
    below, above = ends
    halve = False
    while high - low > 2 * margin:
        if halve:
            before = behind = (low + high) // 2
        else:
            guess = low + (wanted - below) * (high - low) // max(1, above - below)
            before = min(max(low, guess - margin), high - 1)
            behind = min(max(low, guess + margin), high - 1)
        if (found := value_at(before)) >= wanted:
            high, above = before, found
        elif (found := value_at(behind)) >= wanted:
            low, high = before + 1, behind
        else:
            low, below = behind + 1, found
        halve = not halve
    return low, high
