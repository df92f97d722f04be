"""The options of commands that make or change a resource, from the declaration of its fields
(`core/declaration.py`): the name, type, default and help of each.

A field `maxAllowedConnections` is `--max-allowed-connections`; one of a resource inside another
stands by its own name. What a value may be is told by the help, and judged by the service alone.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter as Argument
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from tidings.cli.options.values import moment_of, names, read_json

if TYPE_CHECKING:
    from tidings.core.declaration import DeclaredField

Json = Mapping[str, Any]
Read = Callable[[str, Any], Any]
"""What a body says for what is written in an option, which is named where it cannot be so."""
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_CONVERTED: Mapping[str, type] = {
    "boolean": bool,
    "integer": int,
    "number": float,
    "string": str,
}


@dataclass(frozen=True)
class Written:
    """Texts of an option that the declaration of its field does not hold."""

    names: tuple[str, ...] = ()
    """Beside its own; those alone where it is written another way (`read`)."""
    hint: Any = None
    """Its type, where the field's would not do."""
    read: Read | None = None
    about: str = ""
    needed: bool | None = None
    """Whether it must be given, where that is not as in a body."""


@dataclass(frozen=True)
class DeclaredOption:
    """An option, or an argument, of a command."""

    name: str
    path: tuple[str, ...]
    """Where its value stands in the body."""
    argument: Argument
    read: Read
    filled: Any
    """What a body says of a field that must be there where nobody does."""


def flags(
    fields: Iterable["DeclaredField"],
    written: Mapping[str, Written] | None = None,
    *,
    new: bool,
    first: Sequence[str] = (),
    but: Sequence[str] = (),
    inside: tuple[str, ...] = (),
) -> tuple[DeclaredOption, ...]:
    """Return the options for the fields of a body that makes a resource (`new`), or changes one.

    Those of `first` are arguments, in that order. Those of `but` are none: secrets, which every
    process could read, and what is said otherwise. The body has the fields `inside` of these.
    """
    written = written or {}
    taken = {name for flag in written.values() for name in flag.names}
    made: list[DeclaredOption] = []
    for path, field in _flat(fields, inside, new):
        if field.name not in but:
            words = written.get(field.name, Written())
            own = f"--{_HUMP.sub('-', field.name).lower()}"
            called = words.names if words.read or own in taken else (*words.names, own)
            made.append(
                _flag(f"said_{len(made)}", path, field, called, words, new, field.name in first)
            )
    order = {name: at for at, name in enumerate(first)}
    return tuple(sorted(made, key=lambda flag: order.get(flag.path[-1], len(order))))


def _flat(
    fields: Iterable["DeclaredField"], inside: tuple[str, ...], new: bool
) -> Iterator[tuple[tuple[str, ...], "DeclaredField"]]:
    from tidings.core.declaration import declared
    from tidings.core.field_types import Nested

    for field in fields:
        path = (*inside, field.name)
        if isinstance(field.field.kind, Nested):
            yield from _flat(declared(field.field.kind.resource), path, new)
        elif field.is_settable(new=new):
            yield path, field


def _flag(
    code_name: str,
    path: tuple[str, ...],
    one: "DeclaredField",
    called: tuple[str, ...],
    option_words: Written,
    new: bool,
    in_place: bool,
) -> DeclaredOption:
    schema, usual = one.field.kind.taken(new=new), one.usual() if new else None
    hint, read = _kind_of(one.field.kind.shown())
    needed = new and (
        one.required and not usual if option_words.needed is None else option_words.needed
    )
    hint = option_words.hint or hint
    completer: dict[str, Any] = {"completer": lambda _: words} if (words := _words(schema)) else {}
    mark = Parameter(
        name=None if in_place else called,
        help=option_words.about or _about(one, schema, usual, hint is str and read is read_json),
        negative=() if new and not usual or hint is not bool else None,
        **completer,
    )
    argument = Argument(
        called[0].strip("-") if in_place else code_name,
        Argument.POSITIONAL_ONLY if in_place else Argument.KEYWORD_ONLY,
        default=Argument.empty if needed else None,
        annotation=Annotated[hint if needed else hint | None, mark],
    )
    filled = usual if one.required and not needed else None
    return DeclaredOption(
        "" if in_place else called[0], path, argument, read=option_words.read or read, filled=filled
    )


def _kind_of(shown: Json) -> tuple[Any, Read]:
    """The type of an option by what answers show, and how it is read."""
    kind = str(shown.get("type"))
    if kind in _CONVERTED:
        return _CONVERTED[kind], lambda _, value: value
    if kind == "array" and shown["items"].get("type") == "string":
        return str, lambda _, value: names(value)
    if {"type": "string", "format": "date-time"} in shown.get("anyOf", ()):
        return str, moment_of
    return str, read_json


def _about(one: "DeclaredField", schema: Json, usual: Any, as_json: bool) -> str:
    """Describe an option: what it is for, what it may be, and its default."""
    description = one.field.about or f"{one.field.label}."
    number: Json = next((part for part in schema.get("anyOf", (schema,)) if "minimum" in part), {})
    words, several = _words(schema), schema.get("type") == "array"
    if words and not all(word in description for word in words):
        listed = f"{', '.join(words[:-1])} or {words[-1]}{', with commas' * several}"
        whole = ":" in description or ";" in description or ". " in description
        description = (
            f"{description} One of {listed}." if whole else f"{description[:-1]}: {listed}."
        )
    elif "maximum" in number and f"{number['minimum']:g}" not in description:
        description += f" From {number['minimum']:g} to {number['maximum']:.12g}."
    elif several:
        description += " With commas."
    elif as_json:
        description += " As JSON."
    if usual is True or not isinstance(usual, str | int | float) or not usual:
        return description
    return f"{description} [default: {usual if isinstance(usual, str) else f'{usual:.12g}'}]"


def _words(schema: Json) -> list[str]:
    """List the words that are taken, where it is one of a few, or a list of them."""
    found = schema.get("enum") or schema.get("items", {}).get("enum", ())
    return [word for word in found if isinstance(word, str)]
