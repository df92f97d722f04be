"""Whose a schema is that is to be copied: an owner that lives is left alone, one that has ended is
waited for, also where the last that it asked is committed after its end."""

from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.store.copying.filled import database_of, empty_database
from tidings.core.running.lease import LEASE_S
from tidings.store.copying import postgres_side
from tidings.store.copying.postgres_side import own_schema
from tidings.store.copying.sides import CopyRefused
from tidings.store.postgres.database import StoreDatabase

LOOK_S = 2.0  # each opens connections
HELD = "UPDATE owner SET holder = 'tidings another', epoch = 7"
RENEWAL = "UPDATE owner SET renewed = renewed + 1"


@pytest.fixture(autouse=True)
def few_looks(real_leases: None) -> Iterator[None]:
    with patch.object(postgres_side, "LOOK_S", LOOK_S):
        yield


class Passing:
    """A clock that goes on only where somebody waits; the owner renews at given times."""

    def __init__(self, renew: Callable[[], None], at_s: list[float]) -> None:
        self.now_s = 0.0
        self._renew = renew
        self._at_s = at_s

    def read(self) -> float:
        return self.now_s

    def wait(self, seconds: float) -> None:
        self.now_s += seconds
        while self._at_s and self._at_s[0] <= self.now_s:
            self._at_s.pop(0)
            self._renew()


def held(tmp_path: Path) -> StoreDatabase:
    database = database_of(empty_database(tmp_path / "held"))
    ask(database, HELD)
    return database


def ask(database: StoreDatabase, statement: str) -> None:
    with database.connect("tests") as connection:
        connection.execute(statement.encode())
        connection.commit()


@pytest.mark.parametrize("late_s", [[], [0.4], [LEASE_S - 0.6]])
def test_an_owner_that_has_ended_is_waited_for(tmp_path: Path, late_s: list[float]) -> None:
    database = held(tmp_path)
    passing = Passing(lambda: ask(database, RENEWAL), [*late_s])
    assert own_schema(database, "it", passing.read, passing.wait).epoch == 8
    assert LEASE_S <= passing.now_s <= LEASE_S + max(late_s, default=0) + LOOK_S


@pytest.mark.parametrize("every_s", [0.1, LEASE_S / 3, LEASE_S - 1])
def test_one_that_lives_is_left_alone(tmp_path: Path, every_s: float) -> None:
    database = held(tmp_path)
    times = [every_s * count for count in range(1, 40)]
    passing = Passing(lambda: ask(database, RENEWAL), times)
    with pytest.raises(CopyRefused, match="must be owned by no running service"):
        own_schema(database, "it", passing.read, passing.wait)


def test_looks_that_take_long_are_no_sign_of_an_owner(tmp_path: Path) -> None:
    database = held(tmp_path)
    passing = Passing(lambda: None, [])
    taken = own_schema(database, "it", passing.read, lambda _: passing.wait(LEASE_S - 1))
    assert taken.epoch == 8
