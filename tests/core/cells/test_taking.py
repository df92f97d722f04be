"""Which cells a host has processes for: taken in turn, handed over, let be, and never contested for
long."""

import pytest

from tests.core.cells.hosts_world import Store, World
from tests.depth import depth
from tidings.core.cells.families import CellId
from tidings.core.cells.placement import SETTLED_S
from tidings.core.running.lease import LEASE_S

ONE, TWO, THREE = CellId(1), CellId(2), CellId(3)
SEEDS = pytest.mark.parametrize("seed", range(depth(3, 10)))
SOON_S = 15.0  # a cell whose owner has died is served again


def two_with_three(seed: int = 0) -> World:
    world = World(3, seed)
    world.add("a", "b")
    world.run_until_served(5.0)
    return world


def test_a_host_that_is_alone_takes_all() -> None:
    world = World(3)
    world.add("a")
    assert world.run_until_served(5.0) <= 4.0
    assert world.counts() == [3]


@SEEDS
def test_hosts_that_start_together_have_fair_shares_at_once(seed: int) -> None:
    assert two_with_three(seed).counts() == [1, 2]


@SEEDS
def test_what_a_host_had_that_is_gone_is_served_again_within_15_s(seed: int) -> None:
    world = two_with_three(seed)
    world.run(world.rng.random() * 5)
    world.kill(world.rng.choice(["a", "b"]))
    assert world.run_until_served(SOON_S + 5) <= SOON_S
    assert world.counts() == [3]


@SEEDS
def test_what_a_host_has_that_ends_is_taken_by_others_as_soon_as_they_are_there(seed: int) -> None:
    world = two_with_three(seed)
    world.run(3.0)
    had = {cell for cell, name in world.served().items() if name == "a"}
    began_s = world.now_s
    world.hosts["a"].end()
    world.run(10.0)
    assert {cell for cell, _ in world.takes_since(began_s)} == had
    assert max(at_s for *_, at_s in world.takes) - began_s <= 4.5
    assert world.counts() == [3] and "a" not in world.entries


def test_nobody_is_without_a_cell_for_longer_than_a_restart_where_it_is_handed_over() -> None:
    """The next process is there and waits before the former one lets go."""
    world = two_with_three()
    world.run(3.0)
    world.hosts["a"].end()
    unserved = 0
    for _ in range(100):
        world.run(0.1)
        unserved = unserved + 1 if len(world.served()) < 3 else unserved
    assert 0 < unserved <= 30
    assert world.counts() == [3]


@SEEDS
def test_who_comes_back_is_given_its_share_once_and_nothing_moves_after(seed: int) -> None:
    world = two_with_three(seed)
    world.kill("a")
    world.run_until_served(SOON_S)
    world.add("c")
    world.run(SETTLED_S - 10)
    assert world.counts() == [0, 3]
    world.run(40)
    assert world.counts() == [1, 2]
    since_s = world.now_s
    world.run(300)
    assert not world.takes_since(since_s) and world.counts() == [1, 2]


def test_one_more_than_there_are_cells_stands_by_and_takes_over() -> None:
    world = World(2)
    world.add("a", "b")
    world.run_until_served(5.0)
    standing = world.add("c")
    world.run(200)
    assert world.counts() == [0, 1, 1] and not standing.taking.wanted
    assert standing.started == 0  # it starts nothing in vain
    world.kill("a")
    world.run_until_served(SOON_S)
    assert world.counts() == [1, 1]


@SEEDS
def test_a_host_that_was_frozen_lets_be_what_others_own_by_then(seed: int) -> None:
    world = two_with_three(seed)
    world.freeze("a", 30.0)
    world.run(20.0)
    assert set(world.served().values()) == {"a", "b"} or len(world.served()) == 3
    world.run(15.0)
    assert len(world.served()) == 3
    assert not world.hosts["a"].taking.wanted & world.hosts["b"].taking.wanted
    started = world.hosts["a"].started
    world.run(20.0)
    assert world.hosts["a"].started == started


def test_two_that_take_one_cell_at_one_moment_agree_without_a_further_try() -> None:
    world = World(1)
    first, second = world.add("a"), world.add("b")
    world.run(1.4)
    for host in (first, second):  # neither has heard of the other
        host.taking.wanted.add(ONE)
    world.run(20.0)
    assert len(world.served()) == 1 and len(world.takes) == 1
    assert first.started + second.started <= 2
    assert len(first.taking.wanted | second.taking.wanted) == 1


def test_a_cell_that_is_owned_by_no_host_is_left_to_its_owner() -> None:
    """By a process of a release, or a command, that knows nothing of hosts."""
    world = World(1)
    store = world.stores[ONE]
    store.epoch, store.holder = 5, "somebody"
    host = world.add("a")
    for _ in range(60):
        store.renewed += 1
        world.run(1.0)
    assert host.started == 0
    assert world.run_until_served(30.0) <= LEASE_S + 4


def test_a_store_that_cannot_be_looked_at_is_tried_by_somebody_who_says_why() -> None:
    world = World(2)
    world.stores[TWO].is_readable = False
    host = world.add("a")
    world.run(5.0)
    assert host.taking.wanted == {ONE, TWO}


def test_a_cell_that_its_host_cannot_start_is_taken_by_another_one() -> None:
    world = World(1)
    stuck = world.add("a")
    world.run(2.0)
    assert stuck.taking.wanted == {ONE}
    stuck.run = lambda: None  # type: ignore[method-assign]  # its processes end as they begin
    world.add("b")
    assert world.run_until_served(60.0) > 15.0
    assert world.counts() == [0, 1]
    world.run(5.0)
    assert not stuck.taking.wanted


def test_a_new_cell_is_taken_and_one_that_is_removed_is_let_be() -> None:
    world = two_with_three()
    world.stores[CellId(4)] = Store()
    world.removed.add(THREE)
    world.run(10.0)
    assert set(world.served()) == {ONE, TWO, CellId(4)} and world.counts() == [1, 2]


@SEEDS
def test_while_the_map_is_away_everybody_keeps_what_it_has(seed: int) -> None:
    world = two_with_three(seed)
    before = world.served()
    world.is_map_away = True
    world.run(120.0)
    world.is_map_away = False
    world.run(30.0)
    assert world.served() == before and len(world.takes) == 3


def test_a_host_that_ends_alone_gives_to_nobody() -> None:
    world = World(2)
    world.add("a")
    world.run_until_served(5.0)
    world.hosts["a"].end()
    assert not world.hosts["a"].taking.gives
    world.run(10.0)
    assert not world.hosts and not any(store.holder for store in world.stores.values())


def test_who_is_given_a_cell_and_dies_does_not_keep_it_from_anybody() -> None:
    world = World(2)
    world.add("a")
    world.run_until_served(5.0)
    world.add("b")
    while not world.hosts["a"].taking.gives:
        world.run(0.1)
    world.kill("b")
    world.run(40.0)
    assert world.served() == {ONE: "a", TWO: "a"}


# -- doors that others do not reach ----------------------------------------------------------------


def test_beside_a_host_that_it_cannot_reach_a_host_takes_nothing_until_that_is_gone() -> None:
    world = World(3)
    world.add("a", address="127.0.0.1", machine="m1")
    world.run_until_served(5.0)
    other = world.add("b", address="127.0.0.1", machine="m2")
    world.run(200.0)
    assert set(world.served().values()) == {"a"} and not other.taking.takes
    assert other.taking.unreachable is not None and other.taking.unreachable.name == "a"
    world.kill("a")
    world.run_until_served(SOON_S)


@pytest.mark.parametrize("addresses", [("10.0.0.1", "127.0.0.1"), ("127.0.0.1", "10.0.0.1")])
def test_one_loopback_address_is_enough_for_that(addresses: tuple[str, str]) -> None:
    world = World(2)
    for name, address in zip("ab", addresses, strict=True):
        world.add(name, address=address, machine=name)
    world.run_until_served(5.0)
    world.run(100.0)
    assert set(world.served().values()) == {"a"}


def test_on_one_machine_loopback_is_reached_by_all() -> None:
    world = World(2)
    world.add("a", "b", address="127.0.0.1", machine="m1")
    world.run_until_served(5.0)
    assert world.counts() == [1, 1]


# -- whatever happens ------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(depth(8, 40)))
def test_whatever_hosts_do_all_cells_are_served_and_shares_are_fair_in_the_end(seed: int) -> None:
    world = World(5, seed)
    world.add("h0", "h1", "h2")
    number = 3
    for _ in range(12):
        world.run(world.rng.random() * 20)
        what = world.rng.choice(["kill", "end", "freeze", "add", "away"])
        names = sorted(world.hosts)
        if what == "add" or len(names) < 2:
            world.add(f"h{number}")
            number += 1
        elif what == "kill":
            world.kill(world.rng.choice(names))
        elif what == "end" and world.hosts[name := world.rng.choice(names)].ends_s is None:
            world.hosts[name].end()
        elif what == "freeze":
            world.freeze(world.rng.choice(names), world.rng.random() * 30)
        elif what == "away":
            world.is_map_away = not world.is_map_away
    world.is_map_away = False
    if all(host.ends_s is not None for host in world.hosts.values()):
        world.add("last")
    world.run(60.0)
    assert len(world.served()) == world.cells
    world.run(240.0)
    counts = world.counts()
    assert sum(counts) == world.cells and counts[-1] - counts[0] <= 1
    since_s = world.now_s
    started = [host.started for host in world.hosts.values()]
    world.run(200.0)
    assert not world.takes_since(since_s)
    assert [host.started for host in world.hosts.values()] == started
