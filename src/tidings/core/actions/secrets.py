"""Secrets in the body of a call: left out where the call is kept, and put in when it leaves. Pure.

An SMS gateway has its key in the form of each call. What is made of an event is kept for retries
and shown to people, so it holds of a secret only where it stands and which one of the act it is:
two numbers, and nothing that an event could say. Which one it is follows from its place in the act,
so that none goes in the place of another when the file has changed meanwhile.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from itertools import count
from urllib.parse import quote_plus

import msgspec

from tidings.core.actions.action import Each, HttpCall, Merged, OperatorSecret, Part, within
from tidings.core.actions.rendered_act import MadeCall

NUMBER_BYTES = 6
Places = tuple[tuple[int, int], ...]


def secrets_of(call: HttpCall) -> dict[int, str]:
    """Return the secrets in its JSON or form, each by a number that follows from its place
    there."""
    parts = [("json", call.json), *((f"form.{name}", part) for name, part in call.form)]
    return {
        int.from_bytes(blake2b(place.encode(), digest_size=NUMBER_BYTES).digest()): secret
        for name, part in parts
        if part is not None
        for place, secret in _in(part, name)
    }


def left_out(
    secrets: Mapping[int, str], write: Callable[[Callable[[str], str]], str]
) -> tuple[str, Places]:
    """Return a body without its secrets, and where they belong. `write` makes the body, given the
    text to put for each secret; it must leave letters and digits as they are."""
    plain = write(lambda secret: "")
    if not secrets:
        return plain, ()
    mark = next(one for n in count() if (one := f"secret{n}x") not in plain)
    number_of = {secret: number for number, secret in reversed([*secrets.items()])}
    found, places, length = [], [], 0
    for at, piece in enumerate(
        re.split(f"{mark}([0-9]+)x", write(lambda secret: f"{mark}{number_of[secret]}x"))
    ):
        if at % 2:
            places.append((length, int(piece)))
        else:
            found.append(piece)
            length += len(piece)
    return "".join(found), tuple(places)


def whole(call: HttpCall, made: MadeCall, shown: Callable[[str], str] | None = None) -> str | None:
    """Return the body with its secrets, or with what is `shown` for each; None if the act no longer
    has them."""
    write = shown or (quote_plus if call.json is None else _in_json)
    secrets, pieces, at = secrets_of(call), [], 0
    for place, number in made.secrets:
        if not (at <= place <= len(made.body) and number in secrets):
            return None
        pieces += [made.body[at:place], write(secrets[number])]
        at = place
    return "".join([*pieces, made.body[at:]])


def _in_json(text: str) -> str:
    return msgspec.json.encode(text)[1:-1].decode()


def _in(part: Part, place: str) -> Iterator[tuple[str, str]]:
    """Yield each secret with its place; a name in it is written so that no two places are the
    same."""
    if isinstance(part, OperatorSecret):
        yield place, part.value
    if isinstance(part, Each | Merged):
        of = part.parts
        names = [f".{_in_json(name)}" for name in of] if isinstance(of, Mapping) else count()
        for name, text_part in zip(names, within(part), strict=False):
            yield from _in(
                text_part, f"{place}{name}" if isinstance(name, str) else f"{place}[{name}]"
            )
