"""Leases that end soon: a copy that was killed is followed at once."""

from collections.abc import Iterator
from unittest.mock import patch

import pytest

from tidings.core.running.lease import LEASE_S as REAL_LEASE_S
from tidings.store.copying import postgres_side
from tidings.store.postgres import ownership

LEASE_S = 0.1


@pytest.fixture(autouse=True)
def short_leases() -> Iterator[None]:
    """Those of this process, which nobody else shares a database with."""
    with (
        patch.object(ownership, "LEASE_S", LEASE_S),
        patch.object(postgres_side, "LOOK_S", LEASE_S),
    ):
        yield


@pytest.fixture
def real_leases(short_leases: None) -> Iterator[None]:
    """As long as they are, where an owner must not be late for one on a busy machine."""
    with patch.object(ownership, "LEASE_S", REAL_LEASE_S):
        yield
