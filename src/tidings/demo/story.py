"""Which part of the simulated programme the demonstration plays, and which events get a line."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

from tidings.simulator import Happening, played_types, simulate

LATER = 1_500  # events of the story that are over before the demonstration: members are there
DETAIL_MAX = 12  # characters, so that a line keeps within 100
EACH_MAX = 2  # lines for one event type
# What everybody understands without an explanation, in names that fit the line.
SHOWN_TYPES = frozenset(
    {
        "customerAdded",
        "transactionAdded",
        "pointsIssued",
        "pointsRedeemed",
        "tierUpgraded",
        "tierRenewed",
        "CouponIssue",
        "CouponRedeem",
        "rewardIssued",
        "badgeEarned",
        "pointsExpired",
        "groupMemberAdded",
        "cardUpdated",
        "promotionEarned",
    }
)
TYPES = sorted(played_types())


def episode(org: int, seed: int, lines: int, events: int) -> list[Happening]:
    """List `events` events of a programme that has been running for a while: first `lines` of them
    that get a line each, then all that follow."""
    story = islice(simulate(org, seed), LATER, None)
    episode_events = list(islice(worth_a_line(story), lines))
    return episode_events + list(islice(story, events - lines))


def detail(event: Happening) -> str:
    """Describe an event in a few characters: who and what."""
    return f"{event.who} {event.note}".strip()


def worth_a_line(events: Iterable[Happening]) -> Iterator[Happening]:
    """Select the events that get a line each: of several types and about several people.

    No two in a row are about the same person, for then the line below would say little new.
    """
    counts: Counter[str] = Counter()
    last = ""
    for event in events:
        fits = event.who and event.who != last and len(detail(event)) <= DETAIL_MAX
        if fits and event.name in SHOWN_TYPES and counts[event.name] < EACH_MAX:
            counts[event.name] += 1
            last = event.who
            yield event
