"""Which store a run of the tests is about: `TIDINGS_TESTS_STORE=postgres` has the suites that ask a
store ask the one in PostgreSQL.
"""

import os

STORE = "TIDINGS_TESTS_STORE"


def on_postgres() -> bool:
    """Whether services are to have their store in PostgreSQL."""
    store = os.environ.get(STORE, "sqlite")
    assert store in ("sqlite", "postgres"), f"{STORE} is {store}"
    return store == "postgres"
