"""Actions through kills of their program: each done, in order, within its cap, after its need."""

import random
from pathlib import Path

import pytest

from tests.e2e.actions.killed import Books, killed_trial
from tests.e2e.harness.fixtures import NewService

EVENTS, CUSTOMERS, KILLS = 240, 12, 3


@pytest.mark.systems
def test_actions_are_done_for_every_event_though_their_program_is_killed(
    own_service: NewService, tmp_path: Path
) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    books = killed_trial(
        own_service,
        tmp_path,
        events=EVENTS,
        customers=CUSTOMERS,
        kills=KILLS,
        rng=random.Random(seed),
    )
    found = {
        "missing": [books.missing(kind) for kind in ("credits", "thanks", "notes")],
        "repeated": [books.repeated(kind) for kind in ("credits", "thanks", "offers")],
        "foreign": books.foreign,
        "out of order": books.out_of_order,
        "early": books.early,
        "over and under the cap": (books.over_cap, books.under_cap),
        "unlike the log": books.unlike,
    }
    assert found == {
        "missing": [0, 0, 0],
        "repeated": [0, 0, 0],
        "foreign": 0,
        "out of order": 0,
        "early": 0,
        "over and under the cap": (0, 0),
        "unlike the log": 0,
    }, f"seed {seed}"
    assert len(books.told) == EVENTS


def test_the_books_see_what_is_wrong() -> None:
    told = {(1, number): f"e{number}" for number in range(1, 6)}

    def done(kind: str, *numbers: int) -> list[dict[str, object]]:
        return [
            {"kind": kind, "event": f"e{n}", "customer": 1, "number": n, "text": f"Number {n}"}
            for n in numbers
        ]

    good = done("credits", 1, 2, 3, 4, 5) + done("thanks", 1, 2, 3, 4, 5) + done("offers", 1, 2, 3)
    states = {("credits", 3): 5, ("thanks", 3): 5, ("notes", 3): 5, ("offers", 3): 3}
    books = Books(told, good, states | {("offers", 6): 2}, 0, 0.0)
    assert books.missing("credits") == books.repeated("credits") == books.out_of_order == 0
    assert books.early == books.over_cap == books.under_cap == books.unlike == books.foreign == 0
    bad = done("thanks", 5) + done("credits", 2, 1, 1) + done("offers", 1, 2, 3, 4)
    bad[0]["text"] = "Number 4"
    books = Books(told, bad, states, 0, 0.0)
    assert (books.missing("credits"), books.repeated("credits"), books.out_of_order) == (3, 1, 1)
    assert (books.early, books.over_cap, books.foreign) == (1, 1, 1)
    assert books.unlike == 2  # a fourth offer that the log has not, and one that it has cancelled
    assert Books(told, done("offers", 1), states, 0, 0.0).under_cap == 2
