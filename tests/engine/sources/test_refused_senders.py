"""A sender whose proof is wrong is told of wherever sources are, not on its own page alone."""

import pytest

from tests.api.control_client import service
from tests.api.v1.source_calls import make
from tidings.cli.doctor import _sources
from tidings.engine.sources import inbound
from tidings.engine.sources.activity import (
    ACCEPTED,
    MINUTE_MS,
    OUTCOMES,
    REFUSED,
    REFUSED_MIN,
    Activity,
    MessageActivity,
)
from tidings.reads.sources import TROUBLE_LASTS_MS, needs_somebody

NOW_MS = 1_800_000_000_000


def activity(*outcomes: str) -> Activity:
    """Messages a second apart, the last one now."""
    made = Activity()
    first_ms = NOW_MS - 1000 * (len(outcomes) - 1)
    made.note(
        MessageActivity(first_ms + 1000 * at, "", outcome, 1) for at, outcome in enumerate(outcomes)
    )
    return made


def test_one_that_is_refused_several_times_in_a_row_is_in_trouble_since_then() -> None:
    refused = activity(*[ACCEPTED] * 3, *[REFUSED] * 4)
    assert refused.refused_since_ms(NOW_MS) == NOW_MS - 3000
    assert activity(*[REFUSED] * 40).refused_since_ms(NOW_MS) is not None


@pytest.mark.parametrize("taken", [outcome for outcome in OUTCOMES if outcome != REFUSED])
def test_it_ends_with_whatever_is_taken(taken: str) -> None:
    assert activity(*[REFUSED] * 9, taken).refused_since_ms(NOW_MS) is None
    assert activity(*[REFUSED] * 9, taken, REFUSED).refused_since_ms(NOW_MS) is None


def test_a_stranger_now_and_then_is_no_trouble_nor_what_is_an_hour_ago() -> None:
    assert activity(*[REFUSED] * (REFUSED_MIN - 1)).refused_since_ms(NOW_MS) is None
    assert activity(*[REFUSED] * 9).refused_since_ms(NOW_MS + 61 * MINUTE_MS) is None
    assert activity().refused_since_ms(NOW_MS) is None


async def test_every_face_tells_of_a_sender_whose_secret_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inbound, "REFUSED_AFTER_S", 0.0)
    async with service() as s:
        await make(s)
        for _ in range(REFUSED_MIN):
            wrong = await s.call("POST", "/in/1/shop", b"{}", auth=None, X_Key="another, as long")
            assert wrong.status == 401
        [shown] = (await s.call("GET", "/v1/sources")).json["sources"]
        assert shown["trouble"].startswith("Its sender must prove who it is")
        assert shown["troubleSince"] is not None
        [live] = s.parts.sources.sources.all()
        told = [check for check in _sources(Answers(shown)) if check.fix]  # type: ignore[arg-type]
        assert told and told[0].said.startswith("Source shop: Its sender must prove")
        assert not needs_somebody(live, s.clock.ms)
        assert needs_somebody(live, s.clock.ms + TROUBLE_LASTS_MS), "on the overview"
        taken = await s.call("POST", "/in/1/shop", b"{}", auth=None, X_Key="a value that is long")
        assert taken.status == 202, taken.body
        [shown] = (await s.call("GET", "/v1/sources")).json["sources"]
        assert shown["trouble"] is None


class Answers:
    """`Calls.ask` of a service with one source."""

    def __init__(self, source: object) -> None:
        self._source = source

    def ask(self, method: str, path: str) -> tuple[int, object]:
        return 200, {"sources": [self._source]}
