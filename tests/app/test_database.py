"""A database as the store: what must be there before it is opened."""

import sys

import pytest

from tidings.app.database import driver_refusal
from tidings.settings.load import load


def test_a_start_names_the_extra_that_speaks_to_the_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = load({"TIDINGS_DATABASE": "postgresql://db"})
    assert driver_refusal(settings) is None
    monkeypatch.setitem(sys.modules, "psycopg", None)  # as if it were not installed
    assert driver_refusal(settings) == (
        "database must come with what speaks to PostgreSQL; it is not installed. Run "
        'pip install "$(ls dist/tidings-*.whl)[postgres]".'
    )
    assert driver_refusal(load({})) is None
