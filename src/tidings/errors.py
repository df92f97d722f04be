"""Everything that the service raises of its own, as one tree, sorted by whose fault it is.

    TidingsError
        RequestRefused            by what the caller did or asked for; holds the reasons
            Denied                    by who calls, or how often, whatever is asked
                Unauthenticated, Forbidden, Throttled
            Invalid                   wrong in itself
            NotFound, Conflict, Stale, TooLarge, TooSlow, Unsupported, Unprocessable, Busy
        Unavailable               what is needed does not answer now; asked again later it may
        Unusable                  what the operator gave cannot be used: a setting, a key, a file
        RemoteError               another system did not answer as it must
        ShapingError              no message can be made of an event as its webhook asks

What one part tells the part that has asked it, and nobody else hears, is of the root itself. The
kinds of refusals are as many as faces tell apart. They know no protocol: each face answers them in
its own way, with the texts and codes that they carry.
"""

from typing import Self, TypeVar

import msgspec

T = TypeVar("T")


def end_with_place(sentence: str, code: int | str, place: str) -> str:
    """Return the sentence as everybody reads it, with its code and place at the end, as in
    `… (bad_type, field limit)`."""
    return f"{sentence} ({code}, {place})"


class FieldRefusal(msgspec.Struct, frozen=True):
    """One thing that is wrong with a body, or, among warnings, that its sender should know."""

    code: int | str
    message: str
    field: str

    @classmethod
    def build(
        cls,
        code: int | str,
        sentence: str,
        *,
        field: str = "",
        header: str = "",
        place: str = "-",
    ) -> Self:
        """Put one together from its parts. It is about a field, a header or, by name, another place
        (`body`); its message ends with that and the code, its `field` is the field or header."""
        if field:
            place = f"field {field}"
        elif header:
            place = f"header {header}"
        return cls(code, end_with_place(sentence, code, place), field or header)


class TidingsError(Exception):
    """The root of all exceptions of Tidings."""


# -- refused by what the caller did ---------------------------------------------------------------


class RequestRefused(TidingsError):
    """A request is refused, for these reasons. Which kind it is says in what way.

    One without reasons is put into words by who has asked, who knows better ones.
    """

    def __init__(self, *refusals: FieldRefusal) -> None:
        super().__init__(refusals[0].message if refusals else "")
        self.refusals = refusals

    @classmethod
    def because(
        cls, code: str, sentence: str, *, field: str = "", header: str = "", place: str = "-"
    ) -> Self:
        """Return one for one reason, put together as by `FieldRefusal.build`."""
        return cls(FieldRefusal.build(code, sentence, field=field, header=header, place=place))

    @property
    def reason(self) -> FieldRefusal:
        """The first of the reasons."""
        return self.refusals[0]


class Denied(RequestRefused):
    """The call is not let in, for who makes it or how often. Raised as one of its kinds."""


class Unauthenticated(Denied):
    """Nobody knows who calls: without a credential, or with one that is not in force."""


class Forbidden(Denied):
    """The caller may not do this, or not there."""


class Throttled(Denied):
    """There was too much of it: again after `wait_s` seconds, where that is known."""

    def __init__(self, *refusals: FieldRefusal, wait_s: float | None = None) -> None:
        super().__init__(*refusals)
        self.wait_s = wait_s

    @classmethod
    def because(
        cls,
        code: str,
        sentence: str,
        wait_s: float | None = None,
        *,
        field: str = "",
        header: str = "",
        place: str = "-",
    ) -> Self:
        """Return one for one reason, as above."""
        reason = FieldRefusal.build(code, sentence, field=field, header=header, place=place)
        return cls(reason, wait_s=wait_s)


class Invalid(RequestRefused):
    """A request is wrong in itself."""


def passed(read: T | list[FieldRefusal]) -> T:
    """Return what a body was read as; raise `Invalid` with its refusals. Invalid where that is all
    that is wrong with it."""
    if isinstance(read, list):
        raise Invalid(*read)
    return read


class NotFound(RequestRefused):
    """It leads to nothing of the caller's org."""


class Conflict(RequestRefused):
    """It does not go with what is there now."""


class Stale(RequestRefused):
    """It was made for an earlier version of what is there now."""


class TooLarge(RequestRefused):
    """It holds more than may be."""


class TooSlow(RequestRefused):
    """It does not come to its end in time."""


class Unsupported(RequestRefused):
    """It is written in a way that is not read here."""


class Unprocessable(RequestRefused):
    """It can be read, but what it says may not be taken."""


class Busy(RequestRefused):
    """More waits than may: it can be asked again in a second."""


def not_found(field: str, must: str, got: str) -> NotFound:
    """Build the error for an id that leads nowhere: the same for another org's and for nobody's."""
    shown = got if len(got) <= 40 else got[:40] + "…"
    return NotFound(
        FieldRefusal.build(
            "not_found",
            f'{field} must be {must}; got "{shown}", which does not exist. Check the id and the '
            "credential's org.",
            field=field,
        )
    )


# -- nobody's question ----------------------------------------------------------------------------


class Unavailable(TidingsError):
    """Something that is needed does not answer now, or cannot do it now; asked again later it
    may."""


class Unusable(TidingsError):
    """The operator gave what cannot be used: a setting, a key, a directory. The text says why."""


class RemoteError(TidingsError):
    """Another system did not answer as it must."""


class ShapingError(TidingsError):
    """No message can be made of this event as its webhook asks; tried again it would be so too."""
