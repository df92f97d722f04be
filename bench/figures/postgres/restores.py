"""The store in PostgreSQL: its database is restored to a point in time of archived WAL, below
services that run and for one that is started held; the trials are those of `tests/drills`."""

import os
from collections.abc import Callable, Mapping

from bench.figures.services import services
from bench.report import BESIDE, HELD, MISSED, Options, Row
from tests.drills.restores import RestoreBooks, restored_below, restored_held
from tests.drills.trials import Setting
from tests.e2e.harness.receiver import Receiver
from tests.forked import FRESH
from tests.postgres_server import PostgresServer

FIGURE = "restores"
EVENTS, EVENTS_QUICK = 5_000, 400
TRIALS: tuple[Callable[[Setting, PostgresServer], RestoreBooks], ...] = (
    restored_below,
    restored_held,
)


def run(options: Options) -> list[Row]:
    """Run both trials, one after the other."""
    os.environ[FRESH] = "1"  # services are processes of their own, begun as an operator does
    rows: list[Row] = []
    events = EVENTS_QUICK if options.quick else EVENTS
    for trial in TRIALS:
        print(f"{FIGURE}: {trial.__name__}, {events:,} events", flush=True)
        receiver, server = Receiver(), PostgresServer()
        try:
            with services(options) as (new, folder):
                books = trial(Setting(new, receiver, folder, events), server)
        finally:
            receiver.stop()
            server.end()
        rows += rows_of(books)
        print(books, flush=True)
    return rows


def rows_of(books: RestoreBooks) -> list[Row]:
    """Make the ledger of a trial."""

    def row(what: str, measured: object, target: str = "", held: bool | None = None) -> Row:
        verdict = BESIDE if held is None else HELD if held else MISSED
        return Row(FIGURE, f"{books.name}: {what}", f"{measured}", target, verdict)

    none: Mapping[str, int] = {
        "lost of those": books.lost,
        "numbers of two events or deliveries": books.numbers_twice,
        "deliveries that receivers know as two": books.deliveries_twice,
        "sent while held": books.sent_held,
        "accepted behind it and not delivered": books.undelivered,
    }
    silent = len(books.missing)
    return [
        row("acknowledged before the point", f"{books.acknowledged:,}"),
        *(row(what, count, "0", not count) for what, count in none.items()),
        row("acknowledged after it, and gone", f"{books.gone:,}", "> 0", books.gone > 0),
        row("of which nobody said a word", silent, "0", not silent),
        row("exit codes of the owner", books.codes or "none", "not 0", 0 not in books.codes),
        row("unfinished at the point", books.unfinished),
        row("repeats at the receivers", books.repeats),
        row("ready after the database took writes, s", f"{books.ready_s:.1f}"),
        row("took, s", f"{books.seconds:.0f}"),
    ]
