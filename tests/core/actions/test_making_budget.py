"""What is made of one event is bounded while it is made: an event that is made large, with lists
that are long, holds up nobody."""

import json
import tracemalloc
from time import process_time
from typing import Any

import pytest

from tidings.core.actions.action import (
    Act,
    Each,
    HttpCall,
    KafkaRecordAct,
    Merged,
    NewEvents,
    OperatorSecret,
    Part,
    PathValue,
    Plain,
    TableRowAct,
    TemplatedText,
)
from tidings.core.actions.bounds import MADE_BYTES_MAX
from tidings.core.actions.context import Unmade
from tidings.core.actions.rendered_act import Made, bytes_of
from tidings.core.actions.rendering import EVENTS_MAX, made_of, templates_of
from tidings.core.exact_json import read_exactly

URL = "https://a.example/"
ALL = PathValue("event")
BIG = TemplatedText("{{ event.data.big }}")
MANY = 400


def seen(items: Any, big: Any = "") -> dict[str, Any]:
    data = {"items": items, "big": big}
    return {"event": read_exactly(json.dumps({"eventName": "x", "data": data}).encode())}


def call(part: Part) -> HttpCall:
    return HttpCall("POST", URL, {}, json=part)


HOSTILE = seen([{"a": 1}] * EVENTS_MAX, ["y" * 100] * 2000)  # as large as an event may be
TIMES = [
    NewEvents("t", Each({"a": PathValue("each.a"), "all": ALL}), "event.data.items"),
    NewEvents("t", Each({"a": PathValue("each.a"), "text": BIG}), "event.data.items"),
    NewEvents(
        "t", Each({"always": Plain("x" * 200_000), "a": PathValue("each")}), "event.data.items"
    ),
    call(Each({f"k{n}": ALL for n in range(MANY)})),
    call(Each([*(ALL for _ in range(MANY)), OperatorSecret("hush-hush")])),
    call(Each([Merged("event.data", {"x": PathValue("event.data.big")}) for _ in range(MANY)])),
    HttpCall(
        "POST", URL, {}, form=tuple((f"k{n}", PathValue("event.data.big")) for n in range(100))
    ),
    HttpCall("POST", URL, {}, form=tuple((f"k{n}", BIG) for n in range(100))),
    TableRowAct("c", "t", {f"k{n}": ALL for n in range(MANY)}),
    KafkaRecordAct("c", "t", None, Each([ALL] * MANY)),
]


@pytest.mark.parametrize("act", TIMES, ids=range(len(TIMES)))
def test_what_is_made_many_times_of_a_large_event_is_refused_before_it_is_there(act: Act) -> None:
    texts = ["t" * 200_000] * len(templates_of(act))
    tracemalloc.start()
    try:
        with pytest.raises(Unmade) as refused:
            made_of(act, texts, HOSTILE)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "must be at most 256 KiB" in str(refused.value)
    assert peak < 16 * MADE_BYTES_MAX


def test_many_values_of_nothing_are_not_looked_for_longer_than_they_may_be_made() -> None:
    parts = {f"field_{n}": PathValue("each.a.b.c.d.e.f") for n in range(498)}
    began_s = process_time()
    with pytest.raises(Unmade, match="at most 256 KiB"):
        made_of(NewEvents("t", Each(parts), "event.data.items"), [], HOSTILE)
    assert process_time() - began_s < 0.5


def test_a_long_list_is_not_gone_through_for_each_item_of_another() -> None:
    merged = Merged("event.data.big", [Each({"a": PathValue("each.a")})], "a")
    act = NewEvents("t", Each({"l": merged}), "event.data.items")
    began_s = process_time()
    for long in (EVENTS_MAX, 25_000):
        each = [{"a": 1}] * EVENTS_MAX
        with pytest.raises(Unmade, match="at most 256 KiB"):
            made_of(act, [], seen(each, [{"a": 1}] * long))
    assert process_time() - began_s < 0.5


@pytest.mark.parametrize(
    "act",
    [
        call(ALL),
        call(Each({"a": PathValue("event.data.big"), "b": PathValue("event.data.items")})),
        TableRowAct(
            "c", "t", {"a": PathValue("event.data.big"), "b": PathValue("event.data.items")}
        ),
        HttpCall(
            "POST",
            URL,
            {},
            form=(("a", PathValue("event.data.big")), ("k", OperatorSecret("hush"))),
        ),
        NewEvents("t", Each({"a": PathValue("each")}), "event.data.items"),
        call(Merged("event.data", {"x": OperatorSecret("hush-hush"), "big": Plain(1)})),
        call(Merged("event.data.items", [Each({"a": Plain(7)})], "a")),
    ],
    ids=range(7),
)
def test_what_is_made_once_of_an_event_as_large_as_admitted_is_made(act: Act) -> None:
    large = seen([{"a": n} for n in range(EVENTS_MAX)], "y" * 120_000)
    assert len(bytes_of(Made(made_of(act, [], large)))) > 1000
