"""Options that are made from the declaration of a resource: names, types, defaults, bodies."""

from typing import Annotated, Any

import msgspec
import pytest
from cyclopts import App, CoercionError, MissingArgumentError

from tidings.cli import credentials, orgs, replay
from tidings.cli.inboxes import inboxes
from tidings.cli.options.command import ParsedOptions, with_flags
from tidings.cli.options.declared import Written, flags
from tidings.cli.webhooks import edit
from tidings.core.access.credential_rules import CREDENTIAL
from tidings.core.declaration import DeclaredField, Field, declared
from tidings.core.field_types import BooleanType, Choice, Nested, Number, TextType
from tidings.core.inbox_rules import InboxForm
from tidings.core.orgs.org_settings import OrgSettings
from tidings.core.replay_rules import ResendRequest
from tidings.core.webhooks.fields import SETTABLE


class Lid(msgspec.Struct, frozen=True):
    """What closes it."""

    hinges: Annotated[int, Field("hingeCount", Number(1, 9, whole=True), "How many hinges.")] = 2


class Box(msgspec.Struct, frozen=True):
    """Something to make."""

    name: Annotated[str, Field("name", TextType(9, "bad_name", ""), "What it is called.")]
    most: Annotated[int, Field("mostThings", Number(1, 99, whole=True), "In it.", blank=7)]
    colour: Annotated[str, Field("colour", Choice(("red", "blue"), "bad"), "Outside.")] = "red"
    is_open: Annotated[bool, Field("isOpen", BooleanType(), "At first.")] = False
    lid: Annotated[Lid, Field("lid", Nested(Lid, "bad_lid", ""))] = Lid()


WRITTEN = {"name": Written(("name",)), "mostThings": Written(("--most",))}


def asked(*words: str, new: bool = True) -> ParsedOptions:
    """What a command is told."""
    heard: list[ParsedOptions] = []
    made = flags(declared(Box), WRITTEN, new=new, first=("name",), inside=("box",))

    @with_flags(lambda: made)
    def command(said: ParsedOptions, /, *, loud: bool = False) -> int:
        heard.append(said)
        return int(loud)

    app = App()
    app.default_command = command
    assert app([*words, "--loud"], exit_on_error=False, result_action="return_value") == 1
    return heard[0]


def test_fields_stand_in_the_body_and_what_must_be_there_has_its_usual_value() -> None:
    assert asked("b").body == {"box": {"name": "b", "mostThings": 7}}
    said = asked("b", "--most", "3", "--hinge-count", "4", "--is-open", "--colour", "BLUE")
    inside = {"mostThings": 3, "lid": {"hingeCount": 4}, "isOpen": True, "colour": "BLUE"}
    assert said.body == {"box": {"name": "b"} | inside}
    assert said.words == ["--most 3", "--colour BLUE", "--is-open", "--hinge-count 4"]
    assert asked("b", "--most-things", "3").body == asked("b", "--most", "3").body


def test_what_changes_one_needs_nothing_and_can_take_a_flag_back() -> None:
    assert asked(new=False).body == {}
    assert asked("--no-is-open", new=False).body == {"box": {"isOpen": False}}


def test_a_value_of_another_kind_and_what_is_left_out_are_the_misuse_of_a_command() -> None:
    with pytest.raises(CoercionError):
        asked("b", "--most", "many")
    with pytest.raises(MissingArgumentError):
        asked()


def test_help_says_what_may_come_and_what_is_usual() -> None:
    made = flags(declared(Box), WRITTEN, new=True, first=("name",))
    helps = {option.path[-1]: option.argument.annotation.__metadata__[-1].help for option in made}
    assert helps == {
        "name": "What it is called.",
        "mostThings": "In it. From 1 to 99. [default: 7]",
        "colour": "Outside: red or blue. [default: red]",
        "isOpen": "At first.",
        "hingeCount": "How many hinges. From 1 to 9. [default: 2]",
    }


def leaves(fields: tuple[DeclaredField, ...], new: bool) -> set[str]:
    found: set[str] = set()
    for field in fields:
        kind = field.field.kind
        if isinstance(kind, Nested):
            found |= leaves(declared(kind.resource), new)
        elif field.is_settable(new=new):
            found.add(field.name)
    return found


@pytest.mark.parametrize(
    ("command", "fields", "new", "otherwise"),
    [
        (edit.create, SETTABLE, True, {"signingSecret"}),
        (edit.edit, SETTABLE, False, {"signingSecret", "name"}),
        (orgs.create, declared(OrgSettings), True, set()),
        (orgs.edit, declared(OrgSettings), False, set()),
        (credentials.create, CREDENTIAL, True, {"password"}),
        (inboxes.create, declared(InboxForm), True, set()),
        (replay.replay, declared(ResendRequest), True, {"dryRun"}),
    ],
)
def test_each_field_has_an_option_but_secrets_and_what_is_said_otherwise(
    command: Any, fields: tuple[DeclaredField, ...], new: bool, otherwise: set[str]
) -> None:
    made = [row.path[-1] for row in command._make()]
    assert len(made) == len(set(made))
    assert set(made) == leaves(fields, new) - otherwise
    assert all(row.argument.annotation.__metadata__[-1].help for row in command._make())
