"""Each pair of what can meet has a test that is there, or a reason why it needs none."""

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAIRS = tomllib.loads((ROOT / "tests/pairs.toml").read_text("utf-8"))


@pytest.mark.parametrize("pair", PAIRS)
def test_a_pair_has_a_test_or_a_reason(pair: str) -> None:
    told = PAIRS[pair]
    assert len(told.keys() & {"tests", "reason"}) == 1 and len(told) == 1
    for named in told.get("tests", ()):
        file, _, function = named.partition("::")
        text = (ROOT / file).read_text("utf-8")
        assert f"def {function}(" in text or not function, named
    assert told.get("reason", "as long as a sentence").count(" ") > 3
