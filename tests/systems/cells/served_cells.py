"""Two cells that are served, and what they have accepted and sent: tests lose and put them back."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

from tests.e2e.harness.api import Api, Reply
from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import KEY, ORG, SECRET, ServiceProcess
from tests.e2e.harness.until import PATIENCE_S, until
from tests.store.postgres.databases import connect, rows
from tidings.app.cells.cell_settings import FIRST_CELL, directory_of_cell
from tidings.core.cells.families import CellId
from tidings.core.ids import OrgId
from tidings.store.sql.states import is_unfinished
from tidings.store.sqlite.database import FILE

from .by_hand import SECOND_CELL, SECOND_SCHEMA, make_two_cells, places, settings_of
from .hosted import BOTH, all_owned

Numbers = dict[tuple[str, int], str]  # by table and number of whom they are
NUMBERED = (
    "SELECT 'event', seq, id FROM event UNION ALL SELECT 'delivery', delivery.id,"
    " event.id || '/' || webhook FROM delivery JOIN event ON event.seq = event"
)

UNFINISHED = f"SELECT count(*) FROM delivery WHERE {is_unfinished()}"


class Installation:
    """Two cells with an org and a webhook in each, and what they have accepted and sent."""

    def __init__(self, host: ServiceProcess, receiver: Receiver) -> None:
        self.host, self.receiver = host, receiver
        self.orgs = {FIRST_CELL: ORG}
        self.paths: dict[CellId, str] = {}
        self.given: Numbers = {}

    def begin(self) -> None:
        """Serve both cells, and make an org in the second one too."""
        make_two_cells(settings_of(self.host))
        self.host.start()
        until(lambda: all_owned(self.host), "an owner of each cell")
        until(lambda: ORG in self.placed(), "the first org in the map")
        self.orgs[SECOND_CELL] = self.make_in(SECOND_CELL)
        for cell, org in self.orgs.items():
            path = self.paths[cell] = self.receiver.path()
            with self.line(org) as api:
                api.webhook(self.receiver.url(path))

    def make_in(self, cell: CellId) -> OrgId:
        """Make orgs until one is in a cell, which the service chooses for each; return that."""
        while True:
            made = OrgId(self.asked("POST", "/v1/orgs", {"name": "made"}, status=201)["id"])
            until(lambda org=made: org in self.placed(), "the new org in the map")  # type: ignore[misc]
            if self.placed()[made] == cell:
                return made

    def placed(self) -> Mapping[int, CellId]:
        """Read which cell each family is in, as the map has it."""
        found = places(settings_of(self.host))
        return {family: place.cell for family, place in found.items()}

    @contextmanager
    def line(self, org: int | None = None) -> Iterator[Api]:
        """A connection of the platform to whichever process takes it, once each knows it."""
        asked: Reply | None = None
        while asked is None or asked.status != 200:
            try:
                api = Api(self.host.port, f"{KEY}:{SECRET}", org, seconds=PATIENCE_S)
                asked = api.get("/v1/caller")
            except OSError:
                continue
            if asked.status != 200:
                api.close()
        with api:
            yield api

    def asked(
        self, method: str, path: str, body: Any = None, org: int | None = None, status: int = 200
    ) -> Any:
        """Call until it is answered so: a cell may be on its way, or not found yet."""
        found: list[Reply] = []

        def is_answered() -> bool:
            with self.line(org) as api:
                found[:] = [api.send(method, path, body) if body else api.call(method, path)]
            return found[0].status == status

        until(is_answered, f"{method} {path}")
        return found[0].json

    def post(self, cell: CellId, count: int = 5) -> set[str]:
        """Have events of a cell's org accepted."""
        return self.post_for(self.orgs[cell], count)

    def post_for(self, org: int, count: int = 5) -> set[str]:
        """Have events of an org accepted."""
        ids = [new_id() for _ in range(count)]
        body = b"[" + b",".join(event(text, org) for text in ids) + b"]"

        def is_taken() -> bool:
            with self.line() as api:
                return api.post(body).status == 202

        until(is_taken, f"events of org {org}")
        return {*ids}

    def sent(self, cell: CellId) -> list[str]:
        """List the events that were sent for a cell's org, each as often as it was."""
        return [arrival.event_id for arrival in self.receiver.arrivals(self.paths[cell])]

    def is_known(self, org: int, text: str) -> bool:
        with self.line(org) as api:
            return api.get(f"/v1/events/{text}").status == 200

    def note_numbers(self) -> None:
        """See that no number in a store was given to something else before."""
        for cell in BOTH:
            numbered = self._rows_of(cell, NUMBERED)
            assert numbered, cell
            for table, number, whose in numbered:
                assert self.given.setdefault((table, number), whose) == whose

    def _rows_of(self, cell: CellId, query: str) -> Sequence[tuple[Any, ...]]:
        settings = settings_of(self.host)
        if settings.database is None:
            file = directory_of_cell(self.host.data, cell) / FILE
            with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as store:
                return store.execute(query).fetchall()
        schema = settings.database_schema if cell == FIRST_CELL else SECOND_SCHEMA
        with connect(settings.database.reveal(), schema) as connection:
            return rows(connection, query)

    def arrive(self, ids: Mapping[CellId, set[str]]) -> None:
        """Wait until events were sent, and their cells know it."""
        for cell, texts in ids.items():
            until(lambda at=cell, all_of=texts: {*self.sent(at)} >= all_of, f"those of {cell}")  # type: ignore[misc]
            until(lambda at=cell: self._rows_of(at, UNFINISHED) == [(0,)], f"their ends in {cell}")  # type: ignore[misc]

    def post_both(self) -> Mapping[CellId, set[str]]:
        return {cell: self.post(cell) for cell in BOTH}

    def wait_for_owners(self) -> None:
        until(lambda: all_owned(self.host), "an owner of each cell")

    def are_known(self, cell: CellId, ids: set[str]) -> bool:
        return all(self.is_known(self.orgs[cell], text) for text in ids)
