"""The adapters that the suite runs for: the one place in it that names any."""

from tests.store.conformance.subject import Adapter
from tests.store.postgres.hostings import PostgresChildren, PostgresHalves
from tests.store.sqlite.hosting.hostings import Children, Halves

ADAPTERS: dict[str, Adapter] = {
    "sqlite-in-process": Halves(),
    "sqlite": Children(),
    "postgres-in-process": PostgresHalves(),
    "postgres": PostgresChildren(),
}

SLOW = {"postgres"}
"""Those that `make test-systems` runs: each case starts processes, with a driver in each."""
