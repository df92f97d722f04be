"""Secrets in the body of a call: left out where the call is kept, and put in when it leaves. Pure.

An SMS gateway has its key in the form of each call. What is made of an event is kept for retries
and shown to people, so it holds of a secret only where it stands and which one of the act it is:
two numbers, and nothing that an event could say.
"""

import re
from collections.abc import Callable, Iterator
from itertools import count
from urllib.parse import quote_plus

import msgspec

from tidings.core.actions.action import Call, Part, Secret, within
from tidings.core.actions.made import MadeCall

Places = tuple[tuple[int, int], ...]


def secrets_of(call: Call) -> list[str]:
    """Those in its JSON or form, each once, in an order that is always the same."""
    parts = [call.json, *(part for _, part in call.form)]
    return list(dict.fromkeys(one for part in parts if part is not None for one in _in(part)))


def left_out(
    secrets: list[str], write: Callable[[Callable[[str], str]], str]
) -> tuple[str, Places]:
    """A body without its secrets, and where they belong. `write` it with what stands in the place
    of each; whatever that is made of is kept as it is where it has no signs but letters and
    digits."""
    plain = write(lambda secret: "")
    if not secrets:
        return plain, ()
    mark = next(one for n in count() if (one := f"secret{n}x") not in plain)
    found, places, length = [], [], 0
    for at, piece in enumerate(
        re.split(f"{mark}([0-9]+)x", write(lambda secret: f"{mark}{secrets.index(secret)}x"))
    ):
        if at % 2:
            places.append((length, int(piece)))
        else:
            found.append(piece)
            length += len(piece)
    return "".join(found), tuple(places)


def whole(call: Call, made: MadeCall, shown: Callable[[str], str] | None = None) -> str | None:
    """The body with its secrets, or with what is `shown` of each; None where the act has them no
    more."""
    write = shown or (quote_plus if call.json is None else _in_json)
    secrets, pieces, at = secrets_of(call), [], 0
    for place, number in made.secrets:
        if not (at <= place <= len(made.body) and 0 <= number < len(secrets)):
            return None
        pieces += [made.body[at:place], write(secrets[number])]
        at = place
    return "".join([*pieces, made.body[at:]])


def _in_json(text: str) -> str:
    return msgspec.json.encode(text)[1:-1].decode()


def _in(part: Part) -> Iterator[str]:
    if isinstance(part, Secret):
        yield part.value
    for one in within(part):
        yield from _in(one)
