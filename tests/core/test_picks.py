"""What a mapping takes out of a message, and what it refuses."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.core.exact_json import PathTree
from tidings.core.form import Form
from tidings.core.picks import CONVERSIONS, MessageFault, Pick, read_pick, steps_of
from tidings.core.sources.mapping import FIELDS_MAX, Mapping
from tidings.core.sources.message import ForeignMessage
from tidings.core.sources.message_plan import MessagePlan, PlanRunner
from tidings.core.sources.source import Source, read_source

VERIFICATION = {"type": "header", "header": "X-Key", "value": "a value that is long"}


def mapping_of(**fields: object) -> Mapping:
    body = {"name": "shop", "verification": VERIFICATION, "mapping": fields}
    made = read_source(body)
    assert isinstance(made, Source), made.refusals
    assert made.mapping is not None
    # it is stored, and read again, as JSON
    assert msgspec.json.decode(msgspec.json.encode(made), type=Source) == made
    return made.mapping


def made(mapping: Mapping, body: bytes, **headers: str) -> list[bytes | None]:
    sent = [(name.replace("_", "-"), value) for name, value in headers.items()]
    mapped = PlanRunner(MessagePlan(mapping)).read(ForeignMessage("", sent, body))
    if mapped.fault is not None:
        code, message, field = mapped.fault
        assert message.endswith(f"({code}, {f'field {field}' if field else 'message'})")
        raise MessageFault(code, message, field)
    return mapped.events


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a", b"1.10"),
        ("b.c", b'"x"'),
        ("l[1]", b"20"),
        ("l[9]", None),
        ("b[0]", None),
        ("a.b", None),
        ("deep[0].x", b"[ 1 ]"),
        ("nothing", None),
    ],
)
def test_a_path_finds_what_stands_there_as_it_is_written(path: str, found: bytes | None) -> None:
    body = msgspec.Raw(b'{"a":1.10,"b":{"c":"x"},"l":[1,20],"deep":[{"x":[ 1 ]}]}')
    raw = PathTree([steps_of(path)]).read(body).get(steps_of(path))
    assert (None if raw is None else bytes(raw)) == found


def test_numbers_keep_their_digits_on_their_way_into_the_event() -> None:
    mapping = mapping_of(eventName={"constant": "a.b"}, data={"path": "order"})
    [event] = made(mapping, b'{"order":{"total":10.50,"no":12345678901234567890.10}}')
    assert event == (b'{"eventName":"a.b","data":{"total":10.50,"no":12345678901234567890.10}}')


@pytest.mark.parametrize(
    ("said", "body", "value"),
    [
        ({"path": "t", "as": "seconds"}, b'{"t":1700000000}', 1_700_000_000_000),
        ({"path": "t", "as": "seconds"}, b'{"t":"1700000000.5"}', 1_700_000_000_500),
        ({"path": "t", "as": "isoTime"}, b'{"t":"2023-11-14T22:13:20Z"}', 1_700_000_000_000),
        ({"path": "t", "as": "isoTime"}, b'{"t":"2023-11-15T03:43:20+05:30"}', 1_700_000_000_000),
        ({"path": "t"}, b'{"t":1700000000000}', 1_700_000_000_000),
        ({"path": "t", "as": "timestamp"}, b'{"t":1700000000412}', "2023-11-14T22:13:20.412Z"),
        ({"path": "t", "as": "timestamp"}, b'{"t":"2023-11-15"}', "2023-11-15"),
    ],
)
def test_times_are_converted(said: dict[str, str], body: bytes, value: int | str) -> None:
    [event] = made(mapping_of(eventName={"constant": "a.b"}, createdAt=said), body)
    assert event is not None and msgspec.json.decode(event)["createdAt"] == value


@pytest.mark.parametrize("value", [b'"soon"', b"true", b"{}", b"[1]", b'"1e5"', b'"NaN"'])
@pytest.mark.parametrize("kind", [kind for kind in CONVERSIONS if kind != "text"])
def test_what_cannot_be_converted_is_told_with_its_place(kind: str, value: bytes) -> None:
    mapping = mapping_of(
        eventName={"constant": "a.b"}, fields={"data.x": {"path": "t", "as": kind}}
    )
    with pytest.raises(MessageFault) as told:
        made(mapping, b'{"t":' + value + b"}")
    assert (told.value.code, told.value.field) == ("not_convertible", "data.x")


def test_fields_are_put_into_the_data_that_is_there() -> None:
    mapping = mapping_of(
        eventName={"header": "X-Topic"},
        data={"path": "order"},
        fields={
            "data.customer.id": {"path": "who"},
            "data.customer.name": {"constant": {"first": "A"}},
            "data.customer.name.last": {"path": "last"},
            "data.missing": {"path": "not.there"},
        },
    )
    body = b'{"order":{"n":1,"customer":{"vip":true}},"who":7,"last":"B"}'
    [event] = made(mapping, body, x_topic="a.b")
    assert msgspec.json.decode(event or b"") == {
        "eventName": "a.b",
        "data": {
            "n": 1,
            "customer": {"vip": True, "id": 7, "name": {"first": "A", "last": "B"}},
        },
    }
    with pytest.raises(MessageFault) as told:
        made(mapping, b'{"order":{"customer":7},"who":1}', x_topic="a.b")
    assert (told.value.code, told.value.field) == ("no_object", "data.customer.id")


def test_every_item_of_a_list_is_an_event_and_others_are_passed_over() -> None:
    mapping = mapping_of(each="rows", eventName={"path": "t", "names": {"x": "a.b", "*": None}})
    found = made(mapping, b'{"rows":[{"t":"x"},{"t":"y"},{"t":"x"}]}')
    assert [element is not None for element in found] == [True, False, True]
    for body in (b'{"rows":7}', b"{}", b'{"rows":[' + b"1," * 1000 + b"1]}"):
        with pytest.raises(MessageFault) as told:
            made(mapping, body)
        assert told.value.code == "no_list"


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"a":NaN}', b"[" * 5000])
def test_a_body_that_is_no_json_is_told_as_such(body: bytes) -> None:
    for mapping in (
        mapping_of(eventName={"constant": "a.b"}),
        mapping_of(each="a", eventName={"constant": "a.b"}),
    ):
        with pytest.raises(MessageFault) as told:
            made(mapping, body)
        assert told.value.code == "not_json"


@given(st.binary(max_size=200))
def test_no_body_raises_anything_but_a_fault(body: bytes) -> None:
    mapping = mapping_of(
        each="a", eventName={"path": "b"}, fields={"data.c.d": {"path": "x[0].y", "as": "number"}}
    )
    try:
        made(mapping, body)
    except MessageFault as told:
        assert told.message.endswith(")")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcx"), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(_JSON)
def test_no_json_raises_anything_but_a_fault(value: object) -> None:
    mapping = mapping_of(
        eventName={"path": "a.b", "names": {"x": None}},
        data={"path": "c"},
        fields={"data.a.b": {"path": "x[0]"}, "data.a": {"path": "b"}, "data.b.c.d": {"path": "a"}},
    )
    try:
        for event in made(mapping, msgspec.json.encode(value)):
            assert event is None or isinstance(msgspec.json.decode(event), dict)
    except MessageFault as told:
        assert told.message.endswith(")")


@pytest.mark.parametrize(
    "said",
    [
        7, None, [], {}, {"path": ""}, {"path": "a..b"}, {"path": "a[x]"}, {"path": "a" * 257},
        {"path": ".".join("a" * 17)}, {"path": "a", "header": "b"}, {"header": "a b"},
        {"header": 7}, {"path": "a", "as": "date"}, {"path": "a", "as": 7},
        {"path": "a", "names": []}, {"path": "a", "names": {"a": 7}},
        {"path": "a", "names": {str(n): "x" for n in range(201)}},
        {"constant": "x" * 1023}, {"path": "a", "nmaes": {}},
    ],
)  # fmt: skip
def test_what_is_no_pick_is_refused(said: object) -> None:
    form = Form({})
    assert read_pick(form, "data", said) is None
    assert form.refusals and all(refusal.field.startswith("data") for refusal in form.refusals)


def test_a_pick_is_shown_as_it_was_said() -> None:
    for said in (
        {"path": "a.b[0]", "as": "seconds"},
        {"header": "X-Topic", "names": {"a": "b", "*": None}},
        {"constant": {"a": [1, None]}},
    ):
        made = read_pick(Form({}), "data", said)
        assert isinstance(made, Pick)
        assert msgspec.json.decode(msgspec.json.encode(made.show())) == said


def test_a_mapping_has_so_many_fields_and_no_more() -> None:
    fields = {f"data.f{n}": {"path": "a"} for n in range(FIELDS_MAX + 1)}
    made = read_source({"name": "s", "verification": VERIFICATION, "mapping": {"fields": fields}})
    assert not isinstance(made, Source)
    assert made.refusals[0].field == "mapping.fields"


def test_every_place_of_a_wrong_mapping_is_told() -> None:
    wrong = {"eventName": {"path": ""}, "each": "[", "fields": {"data.x": 1, "eventId": {}}}
    made = read_source({"name": "s", "verification": VERIFICATION, "mapping": wrong})
    assert not isinstance(made, Source)
    assert {refusal.field for refusal in made.refusals} == {
        "mapping.eventName", "mapping.each", "mapping.fields.data.x", "mapping.fields",
    }  # fmt: skip
    assert all(f"field {refusal.field}" in refusal.message for refusal in made.refusals)
    assert all("mapping." in refusal.message.split("(")[0] for refusal in made.refusals)


TOO_MUCH = [
    b"1e308",
    b"-1e308",
    b"1e400",
    b"1E+999999999",
    b"9.3e15",
    b"1" * 401,
    b"1" * 5001,
    b"-" + b"9" * 5000,
    b'"1e308"',
    b'"9999999999999999999"',
    b'"NaN"',
    b"NaN",
    b"Infinity",
    b'"\\ud800"',
    b'"' + b"1" * 30_000 + b'"',
    b'"9999-12-31T23:59:59-14:00"',
    b"true",
    b"[]",
    b"[" * 3000 + b"]" * 3000,
]


@pytest.mark.parametrize("value", TOO_MUCH, ids=lambda value: value[:24].decode())
@pytest.mark.parametrize("conversion", ["", *CONVERSIONS])
def test_what_no_conversion_can_hold_is_a_fault_of_its_field(value: bytes, conversion: str) -> None:
    try:
        found = Pick(path="x.y", conversion=conversion).take(msgspec.Raw(value), "at")
    except MessageFault as fault:
        assert fault.field == "at" and fault.sentence.startswith("at must be ")
    else:
        assert found is not None
        if conversion in ("seconds", "isoTime"):
            assert -(1 << 63) <= int(bytes(found)) < 1 << 63


@pytest.mark.parametrize(
    "value", [b"1e308", b"-1e308", b"1e400", b"9.3e15", b"1" * 401, b"1" * 5001]
)
def test_seconds_that_no_time_is_are_refused(value: bytes) -> None:
    with pytest.raises(MessageFault) as told:
        Pick(path="x", conversion="seconds").take(msgspec.Raw(value), "at")
    assert told.value.field == "at" and "1111111" not in told.value.sentence
