"""What a message may cost is known before it is read; what the loop reads takes little of it."""

import time

import pytest

from tests.core.sources.bombs import BOMBS, DOCUMENTED, NAME, mapping_of_many
from tests.pace import slowness
from tidings.core.budget import MAPPING_CPU_S, MAPPING_LOOP_S
from tidings.core.picks import CONVERSIONS, Pick
from tidings.core.sources.mapping import Mapping
from tidings.core.sources.mapping_cost import ITEM_MAX_S, LOOP_BYTES_MAX, cost_of
from tidings.core.sources.message import ForeignMessage
from tidings.core.sources.message_plan import ITEMS_MAX, MessagePlan, PlanRunner
from tidings.core.sources.source import Source, read_source

VERIFICATION = {"type": "header", "header": "X-Key", "value": "a value that is long"}
ORDER = b'{"order":{"id":1,"total":10.50,"lines":[{"sku":"a"}]},"customer":{"id":7},"x":"%b"}'


def fits_loop(plan: MessagePlan, message: ForeignMessage) -> bool:
    cost = cost_of(plan)
    return cost.fits_loop(cost.of_message_s(message))


def took_s(plan: MessagePlan, message: ForeignMessage) -> float:
    runner = PlanRunner(plan)
    runner.read(message)
    best = float("inf")
    for _ in range(5):
        began = time.thread_time()
        runner.read(message)
        best = min(best, time.thread_time() - began)
    return best


@pytest.mark.parametrize("bomb", BOMBS)
def test_no_bomb_takes_more_than_is_known_beforehand(bomb: str) -> None:
    plan, message = BOMBS[bomb]
    known_s = cost_of(plan).of_message_s(message)
    assert took_s(plan, message) <= known_s * slowness()
    assert not fits_loop(plan, message)


VALUES = [
    b"1770801300.412",
    b'"1770801300412"',
    b'"2026-02-11T09:15:00.123456+05:30"',
    b'"2026-02-11 09:15:00.123456+00"',
    b'"' + b"9" * 4000 + b'"',
    b"9" * 4000,
    b"1e308",
]


@pytest.mark.parametrize("conversion", CONVERSIONS)
@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_no_value_is_dearer_to_convert_than_is_known_beforehand(
    conversion: str, value: bytes
) -> None:
    fields = {f"data.f{n}": Pick(path=f"k{n % 4}", conversion=conversion) for n in range(50)}
    plan = MessagePlan(Mapping(event_name=NAME, fields=fields, each="rows"))
    row = b"{" + b",".join(b'"k%d":%b' % (n, value) for n in range(4)) + b"}"
    rows = max(1, min(40, 48_000 // len(row)))
    message = ForeignMessage("", [], b'{"rows":[' + b",".join([row] * rows) + b"]}")
    assert took_s(plan, message) <= cost_of(plan).of_message_s(message) * slowness()


def cut(message: ForeignMessage, plan: MessagePlan) -> ForeignMessage:
    """The longest body of the kind that the loop would still read, made by repeating an item."""
    low, high = 1, LOOP_BYTES_MAX
    while low < high:
        middle = (low + high + 1) // 2
        inner = (message.body * (middle // len(message.body) + 1))[:middle]
        fits = fits_loop(plan, ForeignMessage("", [], b'{"a":[' + inner + b"1]}"))
        low, high = (middle, high) if fits else (low, middle - 1)
    inner = message.body * (low // len(message.body) - 5)
    return ForeignMessage("", [("X-Topic", "orders/paid")], b'{"a":[' + inner + b"1]}")


ITEMS = [b"1,", b"[],", b"{},", b'"",', b'{"k1":{"x":{"y":1}}},', b'"\\u00e9",', b"1e5,", b"     "]
LISTS = MessagePlan(
    Mapping(
        event_name=NAME,
        each="a",
        fields={f"data.a{n}.b": Pick(path=f"k{n}.x.y", conversion="text") for n in range(10)},
    )
)
WHOLE = MessagePlan(Mapping(event_name=NAME, fields={"data.a": Pick(path="a[9999]")}))


@pytest.mark.parametrize("item", ITEMS)
@pytest.mark.parametrize("plan", [LISTS, WHOLE, DOCUMENTED], ids=["lists", "whole", "documented"])
def test_what_the_loop_reads_takes_no_more_than_its_share(plan: MessagePlan, item: bytes) -> None:
    message = cut(ForeignMessage("", [], item), plan)
    assert fits_loop(plan, message)
    assert took_s(plan, message) <= MAPPING_LOOP_S * slowness()


def test_an_ordinary_message_is_read_on_the_loop() -> None:
    for size in (100, 1000, 10_000, 200_000):
        message = ForeignMessage("", [("X-Topic", "orders/paid")], ORDER % (b"y" * size))
        assert fits_loop(DOCUMENTED, message)
    some = mapping_of_many(20)
    rows = b",".join([b'{"k0":1,"k1":"x","k2":null,"k3":[]}'] * 20)
    assert fits_loop(some, ForeignMessage("", [], b'{"rows":[' + rows + b"]}"))


def test_a_mapping_that_could_not_be_done_in_time_is_refused_when_it_is_saved() -> None:
    pick = {"path": "a.b.c.d", "as": "isoTime", "names": {"x": "y"}}
    fields = {f"data.a.b.c{n}": pick for n in range(100)}
    mapping = {"eventName": {"constant": "a.b"}, "fields": fields}
    said = {"name": "s", "verification": VERIFICATION, "mapping": mapping | {"each": "rows"}}
    refused = read_source(said)
    assert not isinstance(refused, Source)
    [refusal] = refused.refusals
    assert (refusal.code, refusal.field) == ("mapping_too_costly", "mapping")
    assert isinstance(read_source(said | {"mapping": mapping}), Source)  # of one event at a time
    assert isinstance(read_source(said, bounded=False), Source)  # the operator's own


def test_a_mapping_that_was_saved_before_stays_until_it_is_changed() -> None:
    pick = Pick(path="a.b.c.d", conversion="isoTime")
    fields = {f"data.a.b.c{n}": pick for n in range(100)}
    body = {"name": "s", "verification": VERIFICATION}
    plain = read_source(body)
    assert isinstance(plain, Source)
    kept = Source(
        name="s", verification=plain.verification, mapping=Mapping(NAME, each="a", fields=fields)
    )
    assert isinstance(read_source({"paused": True}, kept), Source)


def test_the_dearest_mapping_that_is_saved_can_be_done_with_the_longest_list() -> None:
    assert ITEM_MAX_S * ITEMS_MAX < MAPPING_CPU_S
    plan = mapping_of_many(100)
    assert cost_of(plan).item_s <= ITEM_MAX_S
