"""A resource that is declared: read, refused and shown by its declaration alone."""

from typing import Annotated, Any

import msgspec
import pytest

from tidings.core.declaration import (
    REQUIRED,
    DeclaredField,
    Field,
    Keyed,
    declared,
    read_body,
    read_resource,
    show_resource,
)
from tidings.core.field_types import (
    BooleanType,
    Choice,
    Nested,
    Number,
    ParsedField,
    StoredField,
    TextType,
)
from tidings.core.form import Form
from tidings.core.webhooks.fields import SETTABLE

WHOLE = StoredField(lambda value: isinstance(value, int), "a number", {"type": "integer"}, 10)


class Pump(msgspec.Struct, frozen=True):
    """A resource of one field of each kind."""

    power: Annotated[float, Field("powerInWatts", Number(1, 100), blank=5)]
    mode: Annotated[str, Field("mode", Choice(("Slow", "Fast"), "bad_mode"), default="Slow")]
    limit_s: Annotated[int | None, Field("limitInSeconds", Number(0, 60, whole=True))] = None
    on: Annotated[bool, Field("isOn", BooleanType())] = True
    more: Annotated[dict[str, msgspec.Raw], Keyed(((Field("extra", WHOLE), 3),))] = {}


def read(body: dict[str, Any], old: Pump | None = None) -> tuple[Pump, list[tuple[Any, str]]]:
    form = Form(body)
    pump = read_resource(Pump, form, old)
    return pump, [(refusal.code, refusal.field) for refusal in form.refusals]


def test_what_is_left_out_has_its_default_or_stays_as_it_was() -> None:
    pump, refusals = read({"powerInWatts": 7})
    assert refusals == [] and pump == Pump(7, "Slow")
    old = Pump(7, "Fast", 9, False, {"extra": msgspec.Raw(b"4")})
    assert read({}, old) == (old, [])
    assert read({"mode": "slow"}, old)[0] == msgspec.structs.replace(old, mode="Slow")


def test_null_stands_for_the_default_of_numbers_and_is_as_left_out_for_words_and_flags() -> None:
    old = Pump(7, "Fast", 9, False, {"extra": msgspec.Raw(b"4")})
    body = {"limitInSeconds": None, "mode": None, "isOn": None, "extra": None}
    assert read(body, old) == (Pump(7, "Fast", None, False), [])


def test_all_that_is_wrong_is_told_at_once_with_its_field() -> None:
    body = {"powerInWatts": 0, "mode": "backwards", "limitInSeconds": "1", "isOn": 1, "extra": "x"}
    assert read(body)[1] == [
        ("out_of_range", "powerInWatts"),
        ("bad_mode", "mode"),
        ("bad_type", "limitInSeconds"),
        ("bad_type", "isOn"),
        ("bad_type", "extra"),
    ]


@pytest.mark.parametrize("body", [{}, {"powerInWatts": None}])
def test_a_number_that_must_be_there_is_refused_where_it_is_not(body: dict[str, Any]) -> None:
    assert read(body)[1] == [("bad_type", "powerInWatts")]


def test_a_word_or_a_flag_is_never_declared_without_a_default() -> None:
    class Door(msgspec.Struct):
        open: Annotated[bool, Field("open", BooleanType())]

    with pytest.raises(TypeError, match="open must have a default"):
        declared(Door)


def test_answers_show_each_field_by_its_name() -> None:
    shown = dict(show_resource(Pump(7, "Fast", 9)))
    assert shown == {
        "powerInWatts": 7,
        "mode": "Fast",
        "limitInSeconds": 9,
        "isOn": True,
        "extra": 3,
    }


def test_what_a_file_or_a_page_begins_with_is_the_default_or_what_is_given_for_it() -> None:
    usual = {field.name: field.usual() for field in declared(Pump)}
    assert usual == {
        "powerInWatts": 5,
        "mode": "Slow",
        "limitInSeconds": None,
        "isOn": True,
        "extra": 3,
    }
    assert [field.name for field in declared(Pump) if field.default is REQUIRED] == ["powerInWatts"]


@pytest.mark.parametrize("one", SETTABLE, ids=lambda one: one.name)
def test_every_field_of_a_webhook_is_declared_whole(one: DeclaredField) -> None:
    field = one.field
    assert field.kind.shown(), "an answer says what it is"
    assert isinstance(field.kind.taken(new=True), dict) and field.kind.taken(new=True)
    if field.about:
        assert field.about[0].isalnum() or field.about[0] in "`“", field.about
    assert not field.label.endswith(".") and (not field.hint or field.hint.endswith((".", "…")))


class Nozzle(msgspec.Struct, frozen=True):
    """A part of `Hose`."""

    width: Annotated[float, Field("widthInMm", Number(1, 9))] = 4


class Hose(msgspec.Struct, frozen=True):
    """A resource whose bodies differ, with one inside it."""

    serial: int  # no body says it
    maker: Annotated[
        str, Field("maker", TextType(5, "bad_maker", "Name it.", least=1), bodies="new")
    ]
    label: Annotated[str, Field("label", TextType(5, "bad_label", "Leave it out.", null=False))] = (
        ""
    )
    worn: Annotated[bool, Field("isWorn", BooleanType(), bodies="change")] = False
    nozzle: Annotated[
        Nozzle,
        Field("nozzle", Nested(Nozzle, "bad_nozzle", "Measure.", in_full=True)),
    ] = Nozzle()


def test_some_fields_are_said_when_one_is_made_and_others_when_it_is_changed() -> None:
    form = Form({"maker": "Acme ", "isWorn": True})
    hose = read_resource(Hose, form, None, serial=7)
    assert form.refusals == [] and hose == Hose(7, "Acme")
    form = Form({"maker": "", "isWorn": True})
    assert read_resource(Hose, form, hose) == Hose(7, "Acme", worn=True)
    assert form.refusals == []
    assert [field.name for field in declared(Hose) if field.is_settable(new=True)] == [
        "maker",
        "label",
        "nozzle",
    ]


def test_text_is_bounded_and_can_be_seen_and_null_is_none() -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({}, "maker"),
        ({"maker": " "}, "maker"),
        ({"maker": "Acme", "label": None}, "label"),
        ({"maker": "Acme", "label": "longer"}, "label"),
        ({"maker": "Acme", "label": "a\u200bb"}, "label"),
    ]
    for body, field in wrong:
        form = Form(body)
        read_resource(Hose, form, None, serial=7)
        assert [(refusal.code, refusal.field) for refusal in form.refusals] == [
            (f"bad_{field}", field)
        ], body
    assert "maker must be text of 1 to 5 visible characters; got nothing. Name it." in (
        read_refused({})
    )


def test_an_object_inside_is_told_by_its_place() -> None:
    said = read_refused({"maker": "Acme", "nozzle": {"widthInMm": 10}})
    assert "nozzle.widthInMm must be a number from 1 to 9; got 10." in said
    assert said.endswith("(out_of_range, field nozzle.widthInMm)")
    assert "nozzle must be an object of widthInMm; got 5. Measure." in (
        read_refused({"maker": "Acme", "nozzle": 5})
    )
    assert "(unknown_field, field nozzle.with)" in (
        read_refused({"maker": "Acme", "nozzle": {"with": 5}})
    )


def read_refused(body: dict[str, Any]) -> str:
    form = Form(body)
    read_resource(Hose, form, None, serial=7)
    return form.refusals[0].message


EVEN = ParsedField(
    lambda value: value if isinstance(value, int) and not value % 2 else None,
    "an even number",
    "bad_number",
    "Add one.",
    clears=True,
    schema={"type": "integer", "multipleOf": 2, "minimum": -8},
)


class Pair(msgspec.Struct, frozen=True):
    """A resource of which answers show a part."""

    first: Annotated[int, Field("first", EVEN)]
    second: Annotated[int | None, Field("second", EVEN, deprecated=True)] = None
    hidden: Annotated[int | None, Field("hidden", EVEN, answered=False)] = None


def test_a_value_is_judged_by_itself_and_refused_in_one_sentence() -> None:
    assert read_body(Pair, {"first": 2}) == Pair(2)
    assert read_body(Pair, {"second": None}, Pair(2, 4)) == Pair(2)
    for said, came in (({}, "nothing"), ({"first": None}, "nothing"), ({"first": 3}, "3")):
        read = read_body(Pair, said)
        assert isinstance(read, list) and [refusal.message for refusal in read] == [
            f"first must be an even number; got {came}. Add one. (bad_number, field first)"
        ]
    read = read_body(Pair, {"first": 2, "third": 4})
    assert isinstance(read, list) and read[0].code == "unknown_field"


def test_answers_say_what_they_hold_without_bounds_and_leave_out_what_is_not_for_them() -> None:
    assert dict(show_resource(Pair(2, 4, 6))) == {"first": 2, "second": 4}
    first, second, _ = declared(Pair)
    assert first.shown() == {"type": "integer", "multipleOf": 2}
    assert second.taken(new=False)["deprecated"] is True
