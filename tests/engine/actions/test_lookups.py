"""The engine's side of look-ups: asked once, remembered, spared, and bounded in time."""

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import Any

import pytest
from msgspec import Raw

from tests.loops.own_time import own_time
from tidings.core.actions.action import ActionLookup, CsvLookup, HttpLookup
from tidings.core.exact_json import write_exactly
from tidings.core.shaping.circuit import FAILURES_MAX, PAUSE_S
from tidings.engine.actions.lookups import (
    FOUND,
    FOUND_BEFORE,
    NOTHING,
    NOTHING_TO_ASK,
    REST_MAX_S,
    ActionLookups,
    LookupResult,
)
from tidings.errors import TidingsError
from tidings.lookups.port import LookupDown, LookupRefused

Answer = dict[str, Any] | TidingsError | None


class Passing:
    """A clock that passes as it is told."""

    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s


class Told:
    """`Source` that answers as it is told."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.usual: Answer | BaseException = None
        self.asked: list[str] = []
        self.deadlines: list[float] = []
        self.now = self.most = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.closed = 0
        self.fault: str | None = None
        self.judging: asyncio.Event | None = None

    async def find(self, values: Mapping[str, Any], deadline_s: float) -> dict[str, Any] | None:
        self.asked.append(values["id"])
        self.deadlines.append(deadline_s)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await self.gate.wait()
            await asyncio.sleep(0)
        finally:
            self.now -= 1
        answer = self.answers.get(values["id"], self.usual)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def check(self) -> str | None:
        if self.judging is not None:
            await self.judging.wait()
        return self.fault

    async def close(self) -> None:
        self.closed += 1


class World:
    """Look-ups over one that is told what to answer."""

    def __init__(self, **more: Any) -> None:
        self.passed = Passing()
        self.source, self.other = Told(), Told()
        self.lookups = ActionLookups(
            {"tier": self.source, "other": self.other}, self.passed, **more
        )

    async def find(self, id: Any, name: str = "tier", **fields: Any) -> LookupResult:
        where = HttpLookup("https://a.example/{id}", {"id": "event.id"})
        lookup = ActionLookup(name, where, **fields)
        return await self.lookups.find(lookup, {"event": {"id": id}})

    async def down(self, id: Any, **fields: Any) -> LookupDown:
        with pytest.raises(LookupDown) as down:
            await self.find(id, **fields)
        assert down.value.reason.startswith("Look-up tier: ") and down.value.reason.endswith(".")
        return down.value


@pytest.fixture
async def world() -> World:
    return World()


async def test_a_record_is_found_and_remembered_for_its_time(world: World) -> None:
    world.source.answers["1"] = {"name": "gold"}
    for said in (FOUND, FOUND_BEFORE, FOUND_BEFORE):
        found = await world.find(1, cache_s=30)
        assert (found.record, found.outcome) == ({"name": "gold"}, said)
    world.passed.s += 29.9
    assert (await world.find(1, cache_s=30)).outcome == FOUND_BEFORE
    world.source.answers["1"] = {"name": "silver"}
    world.passed.s += 0.2
    assert (await world.find(1, cache_s=30)).record == {"name": "silver"}
    assert world.source.asked == ["1", "1"]


async def test_that_there_is_nothing_is_remembered_too(world: World) -> None:
    assert await world.find(1, cache_s=30) == (None, NOTHING, 0.0)
    world.source.usual = {"name": "gold"}
    assert (await world.find(1, cache_s=30)).record is None
    world.passed.s += 31
    assert (await world.find(1, cache_s=30)).record == {"name": "gold"}


async def test_without_a_cache_each_question_is_asked(world: World) -> None:
    for _ in range(3):
        await world.find(1)
    assert world.source.asked == ["1", "1", "1"]


async def test_look_ups_with_the_same_values_are_not_mixed_up(world: World) -> None:
    world.source.usual, world.other.usual = {"of": "tier"}, {"of": "other"}
    for _ in range(2):
        assert (await world.find(1, cache_s=30)).record == {"of": "tier"}
        assert (await world.find(1, "other", cache_s=30)).record == {"of": "other"}


async def test_a_record_that_was_changed_by_one_is_whole_for_the_next(world: World) -> None:
    world.source.usual = {"a": {"b": 1}}
    first = (await world.find(1, cache_s=30)).record
    assert first is not None
    first["a"]["b"] = 2
    assert (await world.find(1, cache_s=30)).record == {"a": {"b": 1}}


async def test_numbers_keep_their_digits(world: World) -> None:
    world.source.usual = {"points": Raw(b"10.50")}
    for _ in range(2):
        record = (await world.find(1, cache_s=30)).record
        assert write_exactly(record) == b'{"points":10.50}'


@pytest.mark.parametrize("value", [None, "", {}, [], {"id": 1}])
async def test_without_a_value_nobody_is_asked(world: World, value: object) -> None:
    assert await world.find(value) == (None, NOTHING_TO_ASK, 0.0)
    where = CsvLookup("/x.csv", "id", "event.id")
    found = await world.lookups.find(ActionLookup("tier", where), {"event": {"id": value}})
    assert found.outcome == NOTHING_TO_ASK and world.source.asked == []


async def test_however_many_ask_for_the_same_it_is_asked_once(world: World) -> None:
    world.source.usual = {"name": "gold"}
    world.source.gate.clear()
    asked = [asyncio.ensure_future(world.find(1)) for _ in range(50)]
    await asyncio.sleep(0.01)
    asked[0].cancel()
    world.source.gate.set()
    await asyncio.wait(asked)
    assert asked[0].cancelled() and world.source.asked == ["1"]
    records = [element.result().record for element in asked[1:]]
    assert records == [{"name": "gold"}] * 49
    assert len({id(record) for record in records}) == 49


async def test_a_failure_is_told_to_all_who_wait_and_is_not_remembered(world: World) -> None:
    world.source.usual = LookupDown("It must answer; it does not.")
    told = await asyncio.gather(*(world.down(1, cache_s=30) for _ in range(5)))
    assert len(world.source.asked) == 1
    assert {lookup_down.reason for lookup_down in told} == {
        "Look-up tier: It must answer; it does not."
    }
    world.source.usual = {"name": "gold"}
    assert (await world.find(1, cache_s=30)).record == {"name": "gold"}


async def test_no_more_are_asked_at_once_than_may_be(world: World) -> None:
    asked = [world.find(number, at_once=3) for number in range(20)]
    await asyncio.gather(*asked)
    assert world.source.most == 3 and len(world.source.asked) == 20


async def test_who_finds_no_room_until_the_deadline_is_told_and_nobody_is_blamed(
    world: World,
) -> None:
    world.source.gate.clear()
    holding = asyncio.ensure_future(world.find("first", at_once=1, deadline_s=30))
    await asyncio.sleep(0.01)
    for number in range(2 * FAILURES_MAX):
        down = await world.down(number, at_once=1, deadline_s=0.02)
        assert "1 others were under way" in down.reason and down.wait_s
    assert not world.lookups.down("tier")
    world.source.gate.set()
    await holding


async def test_no_more_are_asked_in_a_second_than_may_be() -> None:
    world = World()
    world.lookups = ActionLookups({"tier": world.source})  # by the loop's own clock
    began = monotonic()
    with own_time() as took_s:
        await asyncio.gather(*(world.find(number, rate_per_s=20) for number in range(30)))
    assert monotonic() - began > 0.4 and took_s() < 10
    await world.find("first of a minute", rate_per_s=1 / 60)
    down = await world.down("late", rate_per_s=1 / 60, deadline_s=0.001)
    assert "questions a second" in down.reason
    assert down.wait_s is not None and 0 < down.wait_s <= 60
    assert not world.lookups.down("tier")


async def test_a_source_that_does_not_end_is_ended(world: World) -> None:
    world.source.gate.clear()
    with own_time() as took_s:
        down = await world.down(1, deadline_s=0.1)
    assert "must answer within 0.1 s" in down.reason and took_s() < 10
    assert world.source.now == 0 and world.source.deadlines == [pytest.approx(0.1)]


async def test_who_fails_in_a_row_is_left_alone_and_tried_again(world: World) -> None:
    world.source.usual = LookupDown("It must answer; it does not.")
    for number in range(FAILURES_MAX + 5):
        down = await world.down(number)
    assert len(world.source.asked) == FAILURES_MAX
    assert "left alone" in down.reason and down.wait_s == pytest.approx(PAUSE_S)
    assert world.lookups.down("tier") and not world.lookups.down("other")
    assert (await world.find(1, "other")).outcome == NOTHING, "others are asked"
    world.source.usual = {"name": "gold"}
    world.passed.s += PAUSE_S + 0.1
    assert (await world.find("a")).record == {"name": "gold"}
    assert not world.lookups.down("tier")


async def test_after_the_pause_one_question_shows_whether_it_is_well(world: World) -> None:
    world.source.usual = LookupDown("It must answer; it does not.")
    for number in range(FAILURES_MAX):
        await world.down(number)
    world.passed.s += PAUSE_S + 0.1
    world.source.gate.clear()
    probe = asyncio.ensure_future(world.down("probe"))
    await asyncio.sleep(0.01)
    for number in range(10):
        assert "left alone" in (await world.down(f"more {number}")).reason
    world.source.gate.set()
    await probe
    assert len(world.source.asked) == FAILURES_MAX + 1


async def test_what_is_remembered_is_there_while_nobody_answers(world: World) -> None:
    world.source.answers["1"] = {"name": "gold"}
    await world.find(1, cache_s=300)
    world.source.usual = LookupDown("It must answer; it does not.")
    for number in range(FAILURES_MAX):
        await world.down(f"more {number}", cache_s=300)
    assert (await world.find(1, cache_s=300)).record == {"name": "gold"}


async def test_refusals_are_told_and_are_no_reason_to_stop_asking(world: World) -> None:
    world.source.usual = LookupRefused("Its server must take the question; it answered 400.")
    for number in range(3 * FAILURES_MAX):
        with pytest.raises(LookupRefused, match="^Look-up tier: Its server must"):
            await world.find(number)
    assert len(world.source.asked) == 3 * FAILURES_MAX and not world.lookups.down("tier")


async def test_whoever_asks_to_be_left_alone_is(world: World) -> None:
    world.source.usual = LookupDown("Too many.", wait_s=40.0)
    assert (await world.down(1)).wait_s == 40.0
    world.source.usual = {"name": "gold"}
    world.passed.s += 39
    assert (await world.down(2)).wait_s == pytest.approx(1.0)
    assert world.source.asked == ["1"] and world.lookups.down("tier")
    world.passed.s += 1.1
    assert (await world.find(3)).record == {"name": "gold"}


async def test_nobody_is_left_alone_for_ever(world: World) -> None:
    world.source.usual = LookupDown("Too many.", wait_s=1e9)
    assert (await world.down(1)).wait_s == REST_MAX_S, "nor is who asked first"
    world.source.usual = {"name": "gold"}
    world.passed.s += REST_MAX_S + 0.1
    assert (await world.find(2)).record == {"name": "gold"}


async def test_a_fault_of_our_own_is_seen_and_holds_nothing_up(world: World) -> None:
    world.source.usual = ZeroDivisionError()
    for number in range(3 * FAILURES_MAX):
        with pytest.raises(ZeroDivisionError):
            await world.find(number, at_once=1)
    assert not world.lookups.down("tier")
    world.source.usual = {"name": "gold"}
    assert (await world.find("a", at_once=1)).record == {"name": "gold"}


async def test_a_record_above_16_kib_is_refused(world: World) -> None:
    world.source.usual = {"a": "x" * 17_000}
    with pytest.raises(LookupRefused, match="at most 16 KiB"):
        await world.find(1)


async def test_what_is_remembered_is_bounded_in_bytes() -> None:
    world = World(cache_bytes=100_000)
    world.source.usual = {"a": "x" * 9_000}
    for number in range(50):
        await world.find(number, cache_s=1e6)
    assert world.lookups._cache.bytes <= 100_000
    world.source.asked.clear()
    await world.find(49, cache_s=1e6)
    await world.find(0, cache_s=1e6)
    assert world.source.asked == ["0"], "what was used last is remembered"
    for number in range(5_000):
        await world.find("x" * 5_000 + str(number), cache_s=1e6)
    assert world.lookups._cache.bytes <= 100_000


async def test_a_stop_gives_up_what_is_under_way(world: World) -> None:
    world.source.gate.clear()
    asked = asyncio.ensure_future(world.find(1))
    await asyncio.sleep(0.01)
    await world.lookups.close()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert (world.source.now, world.source.closed, world.other.closed) == (0, 1, 1)


async def test_what_is_wrong_with_look_ups_is_told_by_their_names(world: World) -> None:
    assert await world.lookups.check() == {}
    world.source.fault = "The file contacts.csv must be there; it is not."
    assert await world.lookups.check() == {"tier": world.source.fault}
    assert world.source.asked == []


async def test_what_takes_long_to_be_judged_is_not_waited_for(world: World) -> None:
    """A page of the console shows what is known; a file of 200 MB may be read behind it."""
    world.source.judging = asyncio.Event()
    world.other.fault = "The file other.csv must be there; it is not."
    assert await world.lookups.check(0.05) == {"other": world.other.fault}
    asked = asyncio.ensure_future(world.lookups.check(None))
    await asyncio.sleep(0.01)
    world.source.fault = "The file contacts.csv must be there; it is not."
    world.source.judging.set()
    assert await asked == {"tier": world.source.fault, "other": world.other.fault}


async def test_how_each_look_up_does_is_told_with_what_its_last_question_failed_for(
    world: World,
) -> None:
    world.source.usual = LookupDown("It must answer; it does not.")
    for number in range(FAILURES_MAX):
        await world.down(number)
    why = "It must answer; it does not."
    assert world.lookups.state_of("tier") == (FAILURES_MAX, FAILURES_MAX, True, why)
    assert world.lookups.state_of("other") == (0, 0, False, None)
    world.passed.s += PAUSE_S + 0.1
    world.source.usual = {"name": "gold"}
    await world.find("a")
    assert world.lookups.state_of("tier") == (FAILURES_MAX + 1, FAILURES_MAX, False, None)


@pytest.mark.parametrize(("deadline_s", "is_asked"), [(1.0, True), (0.99, False)])
async def test_a_question_waits_for_its_rate_up_to_its_deadline(
    world: World, monkeypatch: pytest.MonkeyPatch, deadline_s: float, is_asked: bool
) -> None:
    async def passes(seconds: float) -> None:
        world.passed.s += seconds

    monkeypatch.setattr(asyncio, "sleep", passes)
    await world.find(1, rate_per_s=1.0, deadline_s=deadline_s)
    if is_asked:
        await world.find(2, rate_per_s=1.0, deadline_s=deadline_s)
        assert (world.source.asked, world.passed.s) == (["1", "2"], 1001.0)
    else:
        await world.down(2, rate_per_s=1.0, deadline_s=deadline_s)
        assert world.source.asked == ["1"]
