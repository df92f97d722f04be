"""Sources: what is found, what is said where nothing is, and what holds whatever is asked."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any

import msgspec
import pytest

from tests.lookups.conformance.adapters import ADAPTERS
from tests.lookups.conformance.subject import Bench
from tests.loops.own_time import own_time
from tidings.lookups.port import LookupDown, LookupRefused

HOSTILE = (
    "a' OR '1'='1",
    "'; DROP TABLE customer; --",
    "$1",
    "%(id)s",
    "{id}",
    "a/b",
    "../../admin",
    "..",
    ".",
    "%2e%2e%2fadmin",
    "a?b=c&id=other",
    "a#b",
    "a;b,c\td",
    'a "quoted" b',
    '"',
    "a\r\nHost: evil.example",
    "a\nb",
    "a\0b",
    "Zoë 你好 🎉",
    "\u202eabc",
    " spaced ",
    "x" * 10_000,
    "\ud800",
    "",
)


@pytest.fixture(params=ADAPTERS)
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    async with ADAPTERS[request.param].run() as bench:
        bench.keeps({"42": "Asha", "43": "Ben", "true": "Truth"})
        yield bench


async def found(bench: Bench, value: Any, deadline_s: float = 30.0) -> Any:
    return await bench.source.find(bench.asks(value), deadline_s)


async def test_a_record_is_found_by_its_value(bench: Bench) -> None:
    assert await found(bench, "42") == {"id": "42", "name": "Asha"}
    assert await found(bench, "43") == {"id": "43", "name": "Ben"}
    assert await bench.source.check() is None


async def test_what_is_not_there_is_none(bench: Bench) -> None:
    assert await found(bench, "44") is None
    assert await found(bench, "4") is None


async def test_numbers_and_truths_are_looked_up_as_they_are_written(bench: Bench) -> None:
    for value in (42, msgspec.Raw(b"42"), msgspec.Raw(b'"42"')):
        assert await found(bench, value) == {"id": "42", "name": "Asha"}
    assert await found(bench, True) == {"id": "true", "name": "Truth"}


@pytest.mark.parametrize("value", [None, {}, [], ["42"], {"id": "42"}, float("nan")], ids=str)
async def test_what_is_no_value_is_refused(bench: Bench, value: object) -> None:
    with pytest.raises(LookupRefused) as refused:
        await found(bench, value)
    assert refused.value.reason.endswith(".")


@pytest.mark.parametrize("value", HOSTILE, ids=lambda one: ascii(one)[:20])
async def test_no_value_finds_another_record_or_is_told(bench: Bench, value: str) -> None:
    if value.isprintable() and value:
        bench.keeps({"42": "Asha", "a": "Wrong", "admin": "Wrong", value: "Hostile"})
    else:
        bench.keeps({"42": "Asha", "a": "Wrong", "admin": "Wrong"})
    try:
        record = await found(bench, value)
    except LookupRefused as refused:
        assert refused.reason.endswith(".") and (len(value) < 3 or value not in refused.reason)
    else:
        assert record in (None, {"id": value, "name": "Hostile"})
    assert await found(bench, "42") == {"id": "42", "name": "Asha"}


@pytest.mark.parametrize(
    "value",
    ["a' OR '1'='1", "$1", "%(id)s", "{id}", "a?b=c&id=d", "a#b", "INV/24/5", "a;b,c", 'a "b" c']
    + ["Zoë 你好 🎉", " spaced ", "100%", "a+b", "a&b=c"],
)
async def test_any_text_that_people_use_is_found(bench: Bench, value: str) -> None:
    bench.keeps({"42": "Asha", value: "Odd"})
    assert await found(bench, value) == {"id": value, "name": "Odd"}


async def test_who_is_down_is_told_in_words_without_values_and_found_again(bench: Bench) -> None:
    bench.is_down()
    with pytest.raises(LookupDown) as down:
        await found(bench, "42424242")
    assert down.value.reason.endswith(".") and "42424242" not in down.value.reason
    bench.is_well()
    await bench.source.close()  # a file is looked at once a second
    assert await found(bench, "42") == {"id": "42", "name": "Asha"}


async def test_who_is_slow_costs_no_more_than_the_deadline(bench: Bench) -> None:
    bench.is_slow()
    began = monotonic()
    with own_time() as took_s:
        with pytest.raises(LookupDown) as down:
            await found(bench, "42", 0.3)
    assert monotonic() - began > 0.25 and took_s() < 5.0 and down.value.reason.endswith(".")
    bench.is_well()
    assert await found(bench, "42") == {"id": "42", "name": "Asha"}


async def test_a_question_that_is_cancelled_ends_and_others_go_on(bench: Bench) -> None:
    bench.is_slow()
    asking = asyncio.create_task(found(bench, "42"))
    await asyncio.sleep(0.2)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    bench.is_well()
    assert await found(bench, "42") == {"id": "42", "name": "Asha"}


async def test_many_are_asked_at_once_and_each_gets_its_own(bench: Bench) -> None:
    bench.keeps({str(number): f"Name {number}" for number in range(40)})
    records = await asyncio.gather(*(found(bench, number) for number in range(40)))
    assert [record["name"] for record in records] == [f"Name {number}" for number in range(40)]


async def test_what_is_closed_opens_again(bench: Bench) -> None:
    await bench.source.close()
    assert await found(bench, "42") == {"id": "42", "name": "Asha"}
    await bench.source.close()
    await bench.source.close()
    assert await found(bench, "42") == {"id": "42", "name": "Asha"}


async def test_a_record_is_the_callers_own(bench: Bench) -> None:
    record = await found(bench, "42")
    record["name"] = "changed"
    assert await found(bench, "42") == {"id": "42", "name": "Asha"}
