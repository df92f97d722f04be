"""What the API hands to the acceptor for each event, and what it gets back."""

from collections.abc import Awaitable
from typing import Any, Literal, Protocol

import msgspec

from tidings.core.events.passage import Passage
from tidings.core.ids import OrgId
from tidings.errors import Busy
from tidings.store.port import NewRejection


class Draft(msgspec.Struct):
    """An event that has passed every check and waits for its commit."""

    org: OrgId
    name: str
    event_id: str
    body: bytes  # the accepted bytes: what came, with missing envelope fields spliced in
    event: dict[str, Any]  # the decoded flat envelope, for keys and search terms
    warning: str | None = None  # kept on the event, for example by lenient validation
    original: bytes | None = None  # what the caller sent, if not `body`: a repeat is told by it
    type_version: int = 1
    about: int = 0  # the webhook that it tells of: an operational event is not sent to that one
    passage: Passage | None = None  # None for nearly all: it came by a call, for the first time
    door: str = ""  # by which it came in; empty: by a call of its org
    place: str = ""  # where a source has read its message
    entered: bool = False  # it was judged, and `passage` has the door behind
    trace: str = ""  # that it belongs to, as it is kept (core/events/trace_context.py)
    stopped: bool = False  # it has come back too often, and is sent to nobody


class Acceptance(msgspec.Struct, frozen=True):
    """The outcome of a draft. An accepted event, or its earlier twin, is on stable storage."""

    status: Literal["accepted", "duplicate"]
    warning: str | None = None  # a duplicate whose bytes differ from the stored ones says so


class Overloaded(Busy):
    """Too many bytes wait for their commit, or they wait for too long. `why` is for the log: who
    has sent them is told in the words of their face."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self.args = (why,)


class CheckUnavailable(Overloaded):
    """The process that checks an event cannot do so now."""


class Intake(Protocol):
    """The acceptor as the API sees it."""

    def accept(self, drafts: list[Draft]) -> Awaitable[list[Acceptance]]:
        """Commit; one verdict per draft, in order. StoreDown, Overloaded: nothing was promised.

        A future where nothing but the commit has to be awaited.
        """

    def note_rejections(self, rejections: list[NewRejection]) -> None:
        """Keep refused events for a while, with the next commit; bounded, never waits."""
