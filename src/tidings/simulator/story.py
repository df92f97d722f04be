"""The story itself: what happens next, to whom, and how much time passes in between."""

from collections.abc import Callable, Iterator

from tidings.catalogue import load
from tidings.simulator.lapses import move_common_expiry
from tidings.simulator.members import (
    ask_for_change,
    ask_for_goodwill,
    change_card,
    change_channel,
    change_household,
    change_profile,
    found_household,
    join,
    merge,
)
from tidings.simulator.offers import add_reward, buy_reward, change_reward, issue_coupons
from tidings.simulator.partners import link_or_leave
from tidings.simulator.points import adjust, transfer
from tidings.simulator.programme import DAY_MS
from tidings.simulator.promotions import change, create, give, give_cart_offer
from tidings.simulator.shopping import buy, buy_without_membership
from tidings.simulator.targets import leave as leave_target
from tidings.simulator.world import Happening, World

START_MS = 1_767_585_600_000  # 2026-01-05T04:00:00Z
CUSTOMERS = 60
FOUNDERS = 12
ACTIVITIES_A_DAY = 0.22  # of one member
OPENING_S = 600

# How often each happens, in parts; the rest of the story follows from these.
ACTIVITIES: tuple[tuple[Callable[[World], object], float], ...] = (
    (buy, 100),
    (buy_without_membership, 4),
    (buy_reward, 7),
    (change_profile, 4),
    (change_channel, 3),
    (transfer, 4),
    (give, 9),
    (give_cart_offer, 6),
    (issue_coupons, 1.5),
    (adjust, 1.5),
    (move_common_expiry, 1.5),
    (link_or_leave, 6),
    (leave_target, 0.8),
    (found_household, 2),
    (change_household, 6),
    (change_card, 2),
    (ask_for_goodwill, 2),
    (ask_for_change, 2),
    (merge, 0.8),
    (change, 1),
    (create, 0.6),
    (add_reward, 0.6),
    (change_reward, 1.5),
)
JOINING = 12.0  # parts, as long as there is room


def played_types() -> frozenset[str]:
    """Return every type that the story holds: the catalogue, less events about Tidings itself."""
    return frozenset(name for name in load().names() if not name.startswith("tidings."))


def simulate(
    org: int, seed: int, start_ms: int = START_MS, customers: int = CUSTOMERS
) -> Iterator[Happening]:
    """Yield events without end, in causal order, of a programme that opens at `start_ms`.

    `customers` (at least 2) bounds how many members there are at one time. The same arguments give
    the same bytes.
    """
    if customers < 2:
        raise ValueError(f"customers must be 2 or more; got {customers}")
    world = World(org, seed, start_ms, customers)
    yield from _play_scene(world, _open)
    steps = [activity for activity, _ in ACTIVITIES]
    total = 0.0
    limits = [total := total + weight for _, weight in ACTIVITIES]
    while True:
        world.pass_to(world.now_ms + _pause_ms(world))
        yield from _drain(world)
        if len(world.members) < customers and world.chance(JOINING / (JOINING + total)):
            join(world)
        else:
            [step] = world.rng.choices(steps, cum_weights=limits)
            step(world)
        yield from _drain(world)


def _open(world: World) -> None:
    """Rewards and promotions are set up; the first members join."""
    for _ in range(3):
        add_reward(world)
    for _ in range(2):
        create(world)
    for _ in range(min(FOUNDERS, world.customers_max)):
        world.now_ms += int(world.rng.uniform(0.2, 1) * OPENING_S * 1000)
        join(world)


def _pause_ms(world: World) -> int:
    """To the next activity; more members do more in a day."""
    mean = DAY_MS / (ACTIVITIES_A_DAY * len(world.members))
    return int(world.rng.expovariate(1 / mean))


def _play_scene(world: World, scene: Callable[[World], object]) -> Iterator[Happening]:
    scene(world)
    yield from _drain(world)


def _drain(world: World) -> Iterator[Happening]:
    while world.out:
        yield world.out.popleft()
