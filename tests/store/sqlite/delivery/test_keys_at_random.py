"""One delivery of an ordering key is under way at a time, and none waits for nothing, whatever is
done to them in whatever order."""

from pathlib import Path

import pytest

from tests.store.sqlite.delivery.keys_at_random import KeysAtRandom

STEPS = 150


@pytest.mark.parametrize("seed", range(12))
def test_one_of_a_key_is_under_way_and_none_waits_for_nothing(tmp_path: Path, seed: int) -> None:
    subject = KeysAtRandom(tmp_path / "data", seed)
    try:
        for _ in range(STEPS):
            subject.step()
        subject.drain()
    finally:
        subject.close()
