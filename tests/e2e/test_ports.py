"""Each process of the tests has ports of its own: none is taken before a program binds it."""

from pathlib import Path

import pytest

from .harness import service
from .harness.service import BLOCK, FIRST_PORT, PortBlocks


def test_no_port_is_given_twice(tmp_path: Path) -> None:
    one, other = PortBlocks(tmp_path), PortBlocks(tmp_path)
    taken = [blocks.take() for _ in range(BLOCK + 5) for blocks in (one, other)]
    assert len({*taken}) == len(taken)


def test_what_a_process_had_is_given_again_once_it_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "END_PORT", FIRST_PORT + BLOCK)
    ended, next = PortBlocks(tmp_path), PortBlocks(tmp_path)
    assert FIRST_PORT <= ended.take() < FIRST_PORT + BLOCK
    with pytest.raises(AssertionError, match="tests that run have all ports"):
        next.take()
    for lock in ended._locks:
        lock.close()
    assert FIRST_PORT <= next.take() < FIRST_PORT + BLOCK
