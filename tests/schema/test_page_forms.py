"""Forms of pages that follow from declarations: what they hold, say, and where refusals stand."""

from typing import Annotated, Any

import msgspec
import pytest

from tidings.console.pages import inboxes, orgs, replays
from tidings.console.pages.access import access, people
from tidings.core.declaration import Field, declared
from tidings.core.field_types import BooleanType, Choice, CustomField, Nested, Number, TextType
from tidings.errors import FieldRefusal
from tidings.schema.page_forms import PageForm, page_form

LIST: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
LINES = {"type": "object", "additionalProperties": {"type": "string"}}


def _as_it_came(form: Any, field: Any, standing: Any) -> Any:
    return form.body.get(field.name, standing)


class Lid(msgspec.Struct, frozen=True):
    """What closes it."""

    hinges: Annotated[int, Field("hinges", Number(1, 9, whole=True), "", "Hinges")] = 2


class Box(msgspec.Struct, frozen=True):
    """Something to fill in."""

    name: Annotated[str, Field("name", TextType(9, "bad_name", ""), "", "Name", "Short.")]
    unasked: Annotated[str, Field("unasked", TextType(9, "bad_name", ""))] = ""
    note: Annotated[str, Field("note", TextType(5000, "bad", ""), "", "Note")] = ""
    colour: Annotated[
        str, Field("colour", Choice(("red", "blue"), "bad", labels=("Red", "Blue")), "", "Colour")
    ] = "red"
    is_open: Annotated[bool, Field("isOpen", BooleanType(), "", "Open")] = True
    things: Annotated[
        tuple[str, ...],
        Field("things", CustomField(_as_it_came, schema=LIST, shows=list), "", "In"),
    ] = ()
    marks: Annotated[
        dict[str, str], Field("marks", CustomField(_as_it_came, schema=LINES), "", "Marks")
    ] = {}
    lid: Annotated[Lid, Field("lid", Nested(Lid, "bad_lid", ""))] = Lid()


FORM = page_form(
    declared(Box),
    {"things": "inside"},
    {"marks": (lambda marks: ";".join(marks), lambda text: dict.fromkeys(text.split(";"), "x"))},
    inside=("box",),
)


def test_what_has_a_label_is_asked_by_what_it_may_be() -> None:
    asked = {ask.name: (ask.widget, ask.hint, ask.required) for ask in FORM.asks}
    assert asked == {
        "name": ("text", "Short.", True),
        "note": ("area", "", False),
        "colour": ("choice", "", False),
        "isOpen": ("tick", "", False),
        "inside": ("text", "", False),
        "marks": ("area", "", False),
        "hinges": ("text", "From 1 to 9.", False),
    }
    assert FORM["colour"].choices == [("red", "Red"), ("blue", "Blue")]


def test_a_new_one_holds_what_is_usual_and_another_what_answers_show() -> None:
    fresh = {"name": "", "note": "", "colour": "red", "isOpen": "on", "inside": "", "marks": ""}
    assert FORM.fresh() == fresh | {"hinges": "2"}
    shown = {"name": "b", "note": "", "colour": "blue", "isOpen": False, "lid": {"hinges": 3}}
    filled = FORM.filled({"box": shown | {"things": ["a", "b"], "marks": {"k": "x", "l": "x"}}})
    assert filled == {
        **{"name": "b", "note": "", "colour": "blue", "isOpen": "", "hinges": "3"},
        **{"inside": "a, b", "marks": "k;l"},
    }


def test_the_body_leaves_out_what_is_empty_or_empties_what_is_there() -> None:
    said = FORM.written({"name": " b ", "inside": "a,b c", "marks": "k", "hinges": "four"})
    made = {"name": "b", "things": ["a", "b", "c"], "marks": {"k": "x"}, "lid": {"hinges": "four"}}
    assert FORM.body(said, new=True) == {"box": made}, "what is no number goes as it was written"
    emptied = FORM.body(FORM.written({"hinges": "4", "isOpen": "on"}), new=False)["box"]
    assert emptied["lid"] == {"hinges": 4} and emptied["isOpen"] is True
    assert (emptied["note"], emptied["things"]) == ("", [])
    assert FORM.body({}, new=False)["box"]["isOpen"] is False


def test_a_refusal_stands_beside_its_field_or_the_first_of_those_in_it() -> None:
    def at(field: str) -> str:
        [place] = FORM.placed([FieldRefusal("c", "m", field)], "other")
        return place

    assert at("box.lid.hinges") == at("box.lid") == "hinges"
    assert at("box.marks.k") == "marks" and at("box.things[1]") == "inside"
    assert (at("other"), at("elsewhere"), at("box.unasked")) == ("other", "", "")


@pytest.mark.parametrize(
    "form", [orgs.FORM, inboxes.FORM, access.FORM, people.FORM, *replays.FORMS.values()]
)
def test_in_a_form_no_two_fields_have_one_name_or_one_label(form: PageForm) -> None:
    assert len({ask.name for ask in form.asks}) == len(form.asks)
    assert len({ask.label for ask in form.asks}) == len(form.asks)
