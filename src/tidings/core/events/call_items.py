"""What is read of a call: drafts, refused events, and events that are still to be checked. Pure.

How they came is noted on them here: through which installations, and in which trace.
"""

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar, Union

import msgspec

from tidings.core.events.known_types import OwnVersion, TypeViolation
from tidings.core.events.passage import Passage, furthest
from tidings.core.ids import OrgId


class Passing(Protocol):
    """An event that is noted how it came."""

    passage: Passage | None
    trace: str


Draft = TypeVar("Draft", bound=Passing)


class RejectedEvent(msgspec.Struct, frozen=True):
    """An event that was refused. `event_id` is empty where none was given that can be repeated."""

    event_id: str
    name: str
    code: str
    message: str
    path: str
    body: bytes  # cut to the greatest event that would be taken
    passage: Passage | None = None  # what its message said of it


class UncheckedEvent(Generic[Draft]):
    """An event that keeps all rules but, perhaps, its schema: that is to be checked elsewhere."""

    __slots__ = ("conclude", "name", "org", "raw", "version")

    def __init__(
        self,
        org: OrgId,
        name: str,
        version: OwnVersion,
        raw: bytes,
        conclude: Callable[[Sequence[TypeViolation]], "Draft | RejectedEvent"],
    ) -> None:
        self.org = org
        self.name = name
        self.version = version
        self.raw = raw  # the flat event
        self.conclude = conclude  # makes of what was found what `read` would have returned


Item = Union[Draft, RejectedEvent, UncheckedEvent[Draft]]  # noqa: UP007  # mypy takes no `|` of a TypeVar


def pass_on(item: "Item[Draft]", passage: Passage | None) -> "Item[Draft]":
    """Note on an event how it came, where its message says so. Of two that are said of one event
    that counts which has come further."""
    if passage is None:
        return item
    if isinstance(item, RejectedEvent):
        known = passage if item.passage is None else furthest((item.passage, passage))
        return msgspec.structs.replace(item, passage=known)
    if isinstance(item, UncheckedEvent):
        conclude = item.conclude
        item.conclude = lambda problems: _concluded(conclude(problems), passage)
        return item
    item.passage = passage if item.passage is None else furthest((item.passage, passage))
    return item


def _concluded(concluded: "Draft | RejectedEvent", passage: Passage) -> "Draft | RejectedEvent":
    noted = pass_on(concluded, passage)
    assert not isinstance(noted, UncheckedEvent)  # it was checked
    return noted


def note_trace(item: "Item[Draft]", trace: str) -> "Item[Draft]":
    """Note on an event which trace it belongs to, as it is kept (`trace_context.py`). One that is
    refused is in none; of two that counts which its event names itself, and not the call."""
    if not trace or isinstance(item, RejectedEvent):
        return item
    if isinstance(item, UncheckedEvent):
        conclude = item.conclude
        item.conclude = lambda problems: _traced(conclude(problems), trace)
        return item
    item.trace = item.trace or trace
    return item


def _traced(concluded: "Draft | RejectedEvent", trace: str) -> "Draft | RejectedEvent":
    noted = note_trace(concluded, trace)
    assert not isinstance(noted, UncheckedEvent)  # it was checked
    return noted


class FlatEvent(NamedTuple):
    """An event in our own form, and what another form of it says of how it came."""

    body: bytes
    passage: Passage | None = None
    trace: str = ""

    def note_on(self, item: "Item[Draft]") -> "Item[Draft]":
        """Note on what was made of it how it came."""
        return note_trace(pass_on(item, self.passage), self.trace)
