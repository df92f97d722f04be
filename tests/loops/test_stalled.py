"""The plugin that stalls holds up what a test sleeps, in whichever folder the test is."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.loops import stalled

pytestmark = pytest.mark.skipif(stalled._SEED == "sleeps", reason="it stalls this test itself")

TESTS = Path(__file__).parents[1]
SLEEPS = "import asyncio\nasync def sleep(seconds): await asyncio.sleep(seconds)\n"


@pytest.mark.parametrize(
    ("path", "stalls"),
    [
        (TESTS / "engine/test_made.py", [0.052]),
        (TESTS / "loops/test_made.py", [0.052]),
        (TESTS.parent / "src/tidings/engine/made.py", []),
    ],
)
async def test_a_short_sleep_of_a_test_is_over_before_anything_else_has_had_its_turn(
    path: Path, stalls: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    names: dict[str, Any] = {}
    exec(compile(SLEEPS, path, "exec"), names)
    stalled_s: list[float] = []
    monkeypatch.setattr(stalled, "time", SimpleNamespace(sleep=stalled_s.append))
    with stalled._short_sleeps_lost():
        for seconds in (0.05, 0.0, stalled.SHORT_S):
            sleep = asyncio.ensure_future(names["sleep"](seconds))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            sleep.cancel()
    assert stalled_s == pytest.approx(stalls)
