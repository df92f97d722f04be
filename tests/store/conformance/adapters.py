"""The adapters that the suite runs for: the one place in it that names any."""

from tests.chosen_store import on_postgres
from tests.store.conformance.commits.subjects import HostedAdapter, InProcessAdapter
from tests.store.conformance.subject import Adapter
from tests.store.postgres.hostings import PostgresChildren, PostgresHalves
from tests.store.sqlite.hosting.hostings import Children, Halves

IN_PROCESS: dict[str, InProcessAdapter] = {
    "sqlite-in-process": Halves(),
    "postgres-in-process": PostgresHalves(),
}

HOSTED: dict[str, HostedAdapter] = {
    "sqlite": Children(),
    "postgres": PostgresChildren(),
}

ADAPTERS: dict[str, Adapter] = {**IN_PROCESS, **HOSTED}

OF_POSTGRES_RUN = {"postgres-in-process", "postgres"}
"""Those that a run with `TIDINGS_TESTS_STORE=postgres` tries, and no other: a database that is
brought back to its first rows for each case, and processes that import the driver, are more than
`make test` has time for."""

TRIED = {
    name: adapter
    for name, adapter in ADAPTERS.items()
    if (name in OF_POSTGRES_RUN) == on_postgres()
}
