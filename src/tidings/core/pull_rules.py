"""What a reader of a webhook asks for, and says of the messages that it has. Pure.

A lease is long where work takes long; what must be known sooner, that a reader has died, is known
at its end.

Add a field here; the rest follows.
"""

from enum import StrEnum
from typing import Annotated

import msgspec

from tidings.core.declaration import Field
from tidings.core.field_types import TEXT, TEXTS, Choice, Number, ParsedField, TextType
from tidings.errors import FieldRefusal

MESSAGES_MAX = 1000
WAIT_MAX_S, WAIT_S = 30, 20
LEASE_MIN_S, LEASE_MAX_S, LEASE_S = 1, 3600, 30
DELAY_MAX_S = 86_400
_LEASE = Number(LEASE_MIN_S, LEASE_MAX_S, f"Leave it out for {LEASE_S}.")


def _cursor(value: object) -> str | None:
    return value if isinstance(value, str) and len(value) <= 64 else None


class Asked(msgspec.Struct, frozen=True):
    """A reader's request for messages."""

    most: Annotated[
        int,
        Field(
            "max",
            Number(1, MESSAGES_MAX, "Leave it out for 100.", whole=True),
            "How many messages at most; no more than maxAllowedConnections.",
        ),
    ] = 100
    wait_s: Annotated[
        float,
        Field(
            "waitInSeconds",
            Number(0, WAIT_MAX_S, f"Leave it out for {WAIT_S}."),
            "How long to wait for the first message; the answer has none when it is over.",
        ),
    ] = float(WAIT_S)
    lease_s: Annotated[
        float,
        Field(
            "leaseInSeconds",
            _LEASE,
            "How long they are the reader's; what is not acknowledged then can be fetched again.",
        ),
    ] = float(LEASE_S)
    cursor: Annotated[
        str,
        Field(
            "cursor",
            ParsedField(
                _cursor,
                "the cursor of an answer",
                "bad_cursor",
                advice="Leave it out to acknowledge nothing.",
                clears=True,
                schema={"type": "string", "maxLength": 64},
            ),
            "That of an earlier answer: all of its messages are acknowledged first.",
        ),
    ] = ""


class Word(StrEnum):
    """The words for what became of messages."""

    DELIVERED = "delivered"  # done
    AGAIN = "again"  # to be fetched again
    NEVER = "never"  # failed, and not to be fetched again
    LONGER = "longer"  # still worked on: a new lease


def _tokens(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list) or not 1 <= len(value) <= MESSAGES_MAX:
        return None
    return tuple(value) if all(_cursor(token) is not None for token in value) else None


class PullBody(msgspec.Struct, frozen=True):
    """A reader's word on messages that it has."""

    tokens: Annotated[
        tuple[str, ...],
        Field(
            "ackIds",
            ParsedField(
                _tokens,
                f"a list of 1 to {MESSAGES_MAX} ackIds of messages",
                "bad_ack_ids",
                advice="Take them as they were answered.",
                schema={
                    **TEXTS,
                    "items": TEXT | {"maxLength": 64},
                    "minItems": 1,
                    "maxItems": MESSAGES_MAX,
                },
                null=False,
            ),
            "Those of the messages.",
        ),
    ]
    word: Annotated[
        Word,
        Field(
            "outcome",
            Choice(tuple(word.value for word in Word), "bad_outcome", Word),
            "What became of them: `delivered`; `again`, to be fetched again; `never`, they failed "
            "for good; `longer`, a new lease from now.",
        ),
    ] = Word.DELIVERED
    reason: Annotated[
        str,
        Field(
            "reason",
            TextType(1000, "bad_reason", "Leave it out for none."),
            "With `never`: why, for the log.",
        ),
    ] = ""
    delay_s: Annotated[
        float,
        Field(
            "delayInSeconds",
            Number(0, DELAY_MAX_S, "Leave it out for 0."),
            "With `again`: not before.",
        ),
    ] = 0.0
    lease_s: Annotated[
        float, Field("leaseInSeconds", _LEASE, "With `longer`: how long from now.")
    ] = float(LEASE_S)


def warn_of_cursor(known: bool, passed_over: int) -> tuple[FieldRefusal, ...]:
    """Return what the reader should know of a cursor that has not acknowledged all its messages;
    nothing where it has."""
    if not known:
        return (_unknown_cursor(),)
    return (_not_out_of_cursor(passed_over),) if passed_over else ()


def warn_of_tokens(tokens: int, passed_over: int) -> tuple[FieldRefusal, ...]:
    """Return what the reader should know of ackIds whose messages it does not have any more."""
    return (_not_out(tokens, passed_over),) if passed_over else ()


def _unknown_cursor() -> FieldRefusal:
    text = (
        "cursor must come from an answer whose messages are still leased; none of these are, so "
        "nothing was acknowledged. They were acknowledged before, or their leases have ended and "
        "they will be delivered again. Acknowledge before leasedUntil."
    )
    return FieldRefusal.build("cursor_not_known", text, field="cursor")


def _not_out_of_cursor(passed_over: int) -> FieldRefusal:
    text = (
        f"cursor must come from an answer whose messages are still leased; {passed_over} of them "
        "are not. They were acknowledged before, or their leases have ended and they will be "
        "delivered again. Acknowledge before leasedUntil."
    )
    return FieldRefusal.build("not_out", text, field="cursor")


def _not_out(tokens: int, passed_over: int) -> FieldRefusal:
    text = (
        f"ackIds must name messages that are still leased; {passed_over} of {tokens} are not, and "
        "were ignored. They were acknowledged before, or their leases have ended and they will be "
        "delivered again. Acknowledge before leasedUntil."
    )
    return FieldRefusal.build("not_out", text, field="ackIds")
