"""What shaping has made of an event for an action: the very call, mail, row or record, and the
steps on the way to it. It is the body of the action's message, so that each further attempt does
the same, and the log shows it. Pure.
"""

import contextlib
from collections.abc import Iterable
from typing import Any

import msgspec

from tidings.core.exact_json import write_exactly
from tidings.core.webhooks.targets.mailing import ShapedMail


class MadeCall(msgspec.Struct, frozen=True, tag="call", omit_defaults=True):
    """A call, but for who we are to the receiver (`Call.credential`)."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    """Those that are made of values, and content-type where it has a body. What is always the same
    is not kept here: it may be a secret, and the driver has it of the action."""
    body: str = ""
    secrets: tuple[tuple[int, int], ...] = ()
    """What of the body is left out here: at which sign, and which secret of the act it is. See
    `secrets.py`."""
    values: tuple[tuple[str, str], ...] = ()
    """What the holes of the URL are filled with, where that is a secret (`Call.url_secret`): `url`
    is then blank, and the driver has it of the action."""


class MadeMail(msgspec.Struct, frozen=True, tag="mail", omit_defaults=True):
    """A mail."""

    mail: ShapedMail


class MadeRow(msgspec.Struct, frozen=True, tag="row", omit_defaults=True):
    """A row."""

    values: dict[str, Any]


class MadeRecord(msgspec.Struct, frozen=True, tag="record", omit_defaults=True):
    """A record."""

    value: str
    key: str = ""


class MadeEvents(msgspec.Struct, frozen=True, tag="events", omit_defaults=True):
    """Events, without ids: those follow from the message's."""

    events: str  # a JSON array


class RunStep(msgspec.Struct, frozen=True, omit_defaults=True):
    """One step on the way: a look-up, by its name, and what came of it."""

    name: str
    said: str  # in a few words, without values: found, found before, nothing, no answer
    took_ms: float = 0.0


def note_of(step: RunStep) -> tuple[str, str]:
    """Write a step as it is kept of an attempt that made nothing; `steps_in` reads it."""
    return step.name, f"{step.took_ms:g} {step.said}"


def steps_in(notes: Iterable[tuple[str, str]]) -> list[RunStep]:
    """Read the steps that `note_of` has written, without what somebody else has."""
    found = []
    for name, note in notes:
        took, _, outcome = note.partition(" ")
        with contextlib.suppress(ValueError):
            found.append(RunStep(name, outcome, float(took)))
    return found


class Made(msgspec.Struct, frozen=True, omit_defaults=True):
    """All of it."""

    act: MadeCall | MadeMail | MadeRow | MadeRecord | MadeEvents
    language: str = ""
    steps: tuple[RunStep, ...] = ()


_made = msgspec.json.Decoder(Made, float_hook=msgspec.Raw)  # the numbers of a row keep their digits


def bytes_of(made: Made) -> bytes:
    """Encode the body of the action's message."""
    return write_exactly(made)


def made_in(body: bytes) -> Made | None:
    """Read the body of an action's message; None where it is none."""
    try:
        return _made.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
