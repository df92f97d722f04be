"""Sources, and the messages that they have set aside."""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Protocol

import msgspec

from tidings.core.ids import OrgId
from tidings.core.sources.table_owner import TableOwner
from tidings.core.sources.topic_places import TopicPlace


class StoredSource(msgspec.Struct, frozen=True, array_like=True):
    """A source of an org. What it is set to is opaque to the store."""

    number: int  # 0 asks the store for a new one
    org: OrgId
    name: str
    sealed: bytes
    created_ms: int = 0
    changed_ms: int = 0
    revision: int = 1


class DeadLetter(msgspec.Struct, frozen=True, array_like=True):
    """A message of which no event could be made, and why."""

    number: int  # 0 asks the store for a new one
    source: int
    at_ms: int
    place: str
    code: str
    reason: str
    field: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    known_by: bytes | None = None  # a source has one message of each; None: of no other
    times: int = 1  # how often it came


class ReplacedMessage(msgspec.Struct, frozen=True, array_like=True):
    """A message set aside that a newer one with the same `known_by` has replaced."""

    code: str
    bytes: int  # of its body


class DeadLetterSum(msgspec.Struct, frozen=True, array_like=True):
    """The number of messages that a source has set aside, and the bytes of their bodies."""

    source: int
    messages: int
    bytes: int
    conflicts: int = 0  # of them, those of code `ID_CONFLICT`
    conflict_bytes: int = 0
    conflict_field: str = ""  # of the newest of these


class DeadLetterPage(msgspec.Struct, frozen=True, array_like=True):
    """Newest first. `older` is the next question's `before`, `newer` its `after`."""

    messages: Sequence[DeadLetter]
    older: int | None = None
    newer: int | None = None


class StoredActivity(msgspec.Struct, frozen=True, array_like=True):
    """The number of messages that a source has brought by minute and outcome, and when the newest
    came."""

    source: int
    last_ms: int | None
    minutes: Sequence[tuple[int, Mapping[str, int]]]


class SourceStore(Protocol):
    """The store of sources."""

    def load_sources(self) -> Awaitable[Sequence[StoredSource]]:
        """Load the sources of all orgs."""
        ...

    def dead_letter_sums(self) -> Awaitable[Sequence[DeadLetterSum]]:
        """Return the sums of all sources that have put something aside."""
        ...

    def put_source(self, source: StoredSource) -> Awaitable[StoredSource]:
        """Insert (number 0), or replace the revision before; as it is stored. An org has each name
        once. Raise StaleChange."""
        ...

    def drop_source(self, number: int) -> Awaitable[None]:
        """Forget a source with its places, and what it has set aside."""
        ...

    def topic_places(self, source: int) -> Awaitable[Sequence[TopicPlace]]:
        """Return up to where a source has read its topics."""
        ...

    def put_topic_places(self, source: int, places: Sequence[TopicPlace]) -> Awaitable[None]:
        """Keep places of a source that is there; synced."""
        ...

    def table_owner(self, source: int) -> Awaitable[TableOwner | None]:
        """Return which other installation reads what a source would read."""
        ...

    def put_table_owner(self, owner: TableOwner) -> Awaitable[None]:
        """Keep it for a source that is there; synced."""
        ...

    def drop_table_owner(self, source: int) -> Awaitable[None]:
        """Forget it."""
        ...

    def load_activity(self) -> Awaitable[Sequence[StoredActivity]]:
        """Load the activity of all sources that have brought something."""
        ...

    def put_activity(self, activities: Sequence[StoredActivity]) -> Awaitable[None]:
        """Keep what sources that are there have brought; synced."""
        ...

    def put_dead_letters(
        self, messages: Sequence[DeadLetter]
    ) -> Awaitable[Sequence[ReplacedMessage | None]]:
        """Keep messages (number 0) of sources that are there, each in the place of an earlier one
        that is known by the same; or the new reasons of messages that are there. Synced. Return for
        each the message that it has replaced."""
        ...

    def drop_conflicts(self, source: int, count: int) -> Awaitable[DeadLetterSum]:
        """Forget the oldest messages of code `ID_CONFLICT`; what is left."""
        ...

    def drop_dead_letters(self, source: int, numbers: Sequence[int]) -> Awaitable[DeadLetterSum]:
        """Forget messages of a source; what is left."""
        ...

    def dead_letters(
        self, source: int, before: int | None, after: int | None, limit: int
    ) -> Awaitable[DeadLetterPage]:
        """Return a page of what a source has set aside."""
        ...

    def dead_letter(self, source: int, number: int) -> Awaitable[DeadLetter | None]:
        """Return one message that a source has set aside; None where there is none."""
        ...
