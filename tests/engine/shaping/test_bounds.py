"""How much one message may name, and what is told then."""

import pytest

from tidings.core.shaping.record import EnrichmentRecord
from tidings.engine.shaping import enricher
from tidings.engine.shaping.enricher import RECORDS_MAX, _BoundedFinder


def record(size: int = 2) -> EnrichmentRecord:
    return EnrichmentRecord(b"{" + b" " * (size - 2) + b"}")


def test_one_message_finds_so_many_records_and_then_none() -> None:
    find = _BoundedFinder(lambda kind, id: record())
    assert all(find("tills", str(at)) is not None for at in range(RECORDS_MAX))
    assert not find.cut
    assert find("stores", "one more") is None
    assert list(find.cut) == ["stores"]


@pytest.mark.parametrize(("more", "is_found"), [(0, True), (-1, False)])
def test_one_message_finds_records_of_so_many_bytes(
    monkeypatch: pytest.MonkeyPatch, more: int, is_found: bool
) -> None:
    monkeypatch.setattr(enricher, "MEMORY_BYTES", record(100).bytes + more)
    find = _BoundedFinder(lambda kind, id: record(100))
    assert find("tills", "a") is not None
    assert (find("tills", "b") is not None) is is_found
    assert find("tills", "c") is None


def test_a_record_that_is_not_there_takes_nothing_of_the_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(enricher, "MEMORY_BYTES", 0)
    find = _BoundedFinder(lambda kind, id: None)
    assert [find("tills", str(at)) for at in range(5)] == [None] * 5
    assert not find.cut
