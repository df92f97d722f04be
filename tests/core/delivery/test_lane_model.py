"""Every PENDING delivery is started exactly once, whatever comes between.

A lane and a model of the store, moved by hypothesis: commits, outcomes, retries, freed deliveries,
pages that are read and answered late, failed reads, pauses. Numbers follow each other, or each
commit begins a new range. The store answers in the order of the questions; what it has answered is
handled later, while it goes on.
"""

import random

import pytest
from hypothesis import settings
from hypothesis.stateful import (
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.core.delivery.lanes.model_store import DELIVERED, RETRYING, InStoreOrder, Page, Receipt
from tests.depth import depth
from tidings.core.delivery import lane as lanes


class ReceiptsOvertake(InStoreOrder):
    """Receipts may be handled before pages that the store answered earlier."""

    overtaking: type[Receipt] | type[Page] | None = Receipt

    @precondition(lambda self: self.overtakers())
    @rule()
    def overtake(self) -> None:
        self.answers.remove(first := self.overtakers()[0])
        self._handle(first)


class PagesOvertakeWithKeys(ReceiptsOvertake):
    """Pages may be handled before receipts that the store answered earlier."""

    overtaking = Page


class PagesOvertake(PagesOvertakeWithKeys):
    """The same, where nothing is held and freed."""

    with_keys = False


@pytest.fixture(autouse=True)
def small_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """A window that is soon full."""
    monkeypatch.setattr(lanes, "WINDOW_JOBS", 4)
    monkeypatch.setattr(lanes, "RETRIES_MAX", 3)


def walk(machine: type[InStoreOrder], seed: int) -> None:
    """Sixty moves at random: many more than hypothesis makes in the same time."""
    rng = random.Random(seed)
    world = machine()
    behind = rng.random() < 0.5
    world.begin(rng.randint(1, 6), rng.randint(1, 40), behind, rng.choice([0, 1 << 40]))
    keys = [None, *rng.choices([None, 1, 2], k=3)]
    moves = ["commit", "handle", "handle", "start", "end", "read", "read", "store_reads"]
    moves += rng.choice([[], ["blink"], ["read_fails", "pause", "resume"]])
    moves += ["overtake"] * 2 if isinstance(world, ReceiptsOvertake) else []
    for _ in range(60):
        match rng.choice(moves):
            case "commit":
                news = [(rng.choice(keys), rng.randint(0, 9)) for _ in range(rng.randint(0, 4))]
                world.commit(news, rng.random() < 0.5)
            case "handle" if world.answers:
                world.handle()
            case "overtake" if isinstance(world, ReceiptsOvertake) and world.overtakers():
                world.overtake()
            case "start":
                world.start(rng.randint(1, 3))
            case "end" if world.running:
                world.end(rng.randint(0, 9), rng.choice([DELIVERED, DELIVERED, RETRYING]), True)
            case "read" if world.lane.page_wanted and world.asked is None:
                world.ask_for_a_page()
            case "store_reads" | "read_fails" as move if world.asked is not None:
                getattr(world, move)()
            case "pause" | "resume" as move:
                getattr(world, move)()
            case "blink":
                world.pause()
                world.resume()
        world.bounds_are_kept()
    world.teardown()


@pytest.mark.parametrize("machine", [InStoreOrder, ReceiptsOvertake, PagesOvertake])
def test_each_is_started_once_as_hypothesis_moves_it(machine: type[InStoreOrder]) -> None:
    few = settings(max_examples=depth(25, 200), stateful_step_count=40, deadline=None)
    run_state_machine_as_test(machine, settings=few)


@pytest.mark.parametrize("hundred", range(depth(8, 20)))
@pytest.mark.parametrize("machine", [InStoreOrder, ReceiptsOvertake, PagesOvertake])
def test_each_is_started_once_in_a_hundred_random_walks(
    machine: type[InStoreOrder], hundred: int
) -> None:
    for seed in range(hundred * 100, hundred * 100 + 100):
        walk(machine, seed)


def test_freed_ones_too_are_started_once_when_pages_overtake_receipts() -> None:
    """The embedded store answers commits and pages in one line, so that no page overtakes."""
    for seed in range(depth(800, 2000)):
        walk(PagesOvertakeWithKeys, seed)
