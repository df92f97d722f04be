"""Actions whose program is killed at random moments: what was done, twice, out of order, too often.

The trial is that of the tests (`tests/e2e/actions/killed.py`), with more events.
"""

import os
import random

from bench.figures.services import services
from bench.report import HELD, MISSED, Options, Row
from tests.e2e.actions.killed import Books, killed_trial
from tests.forked import FRESH

EVENTS_PER_TRIAL_EVENT = 20  # four actions act on each
CUSTOMERS = 50
KILLS = 5


def run(options: Options) -> list[Row]:
    """One trial."""
    os.environ[FRESH] = "1"  # services are processes of their own, begun as an operator does
    events = options.events // EVENTS_PER_TRIAL_EVENT
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"actions-killed, {events:,} events, {KILLS} kills, seed {seed}", flush=True)
    with services(options) as (new, folder):
        books = killed_trial(
            new,
            folder,
            events=events,
            customers=CUSTOMERS,
            kills=KILLS,
            rng=random.Random(seed),
        )
    return _rows(books)


def _rows(books: Books) -> list[Row]:
    label = f"killed {books.kills} times, {len(books.told):,} events"

    def row(what: str, count: int) -> Row:
        verdict = HELD if not count else MISSED
        return Row("actions-killed", f"{label}: {what}", f"{count}", "0", verdict)

    keyed = ("credits", "thanks", "offers")
    return [
        row("not done", sum(map(books.missing, ("credits", "thanks", "notes")))),
        row("done twice, where the receiver keeps keys", sum(map(books.repeated, keyed))),
        Row(
            "actions-killed",
            f"{label}: done twice, where it keeps none",
            f"{books.repeated('notes')}",
        ),
        row("out of the order of their customer", books.out_of_order),
        row("beyond a cap", books.over_cap),
        row("short of a cap", books.under_cap),
        row("before what they need", books.early),
        row("of no event", books.foreign),
        row("otherwise in the log than at the receiver", books.unlike),
        Row("actions-killed", f"{label}: s", f"{books.seconds:.0f}"),
    ]
