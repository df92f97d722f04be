"""The port of sources: what the engine knows of where messages are fetched, whatever holds them.

A driver opens a source over a connection, hands over what is there in order, and marks it as taken
when it is told to: that is after all that became of it is on stable storage here. What was handed
over and never marked is handed over again, to this process or to the one after it.
`tests/sources/conformance/` is what every driver promises, as tests.
"""

from collections.abc import Awaitable, Sequence
from typing import Protocol

from tidings.core.connections.connection import Connection
from tidings.core.sources.message import ForeignMessage
from tidings.core.sources.source import Source
from tidings.core.sources.table_owner import TableOwner
from tidings.core.sources.topic_places import TopicPlace

BATCH_MAX = 2000  # messages handed over at one time
BATCH_BYTES_MAX = 8 << 20  # and the bytes of their bodies, but always one


class OpenSource(Protocol):
    """One source that is open. Not to be used by two tasks at once, but that `lag` and `others`
    may be asked while it reads or acknowledges."""

    async def read(self) -> Sequence[ForeignMessage]:
        """Read what comes next, in its order: at least one message, at most `BATCH_MAX`; waits
        until there is one. Each has a place that no other message of the source ever had.
        ConnectionDown."""
        ...

    async def acknowledge(self) -> None:
        """Acknowledge all that was read so far: it is kept here, and not handed over again. Raise
        ConnectionDown, after which it may be handed over again, and is known then."""
        ...

    async def lag(self) -> int | None:
        """Return how many messages wait behind those that were read; None where nobody can tell.
        ConnectionDown."""
        ...

    async def others(self) -> Sequence[str]:
        """List the names by which others take a share of its messages; empty where nobody can tell.
        Raise nothing."""
        ...

    async def let_go(self, *, all_acknowledged: bool) -> None:
        """Say where the messages are that this installation reads them no more, where that can be
        said, so that another one may. Not said where it may have kept some that are not
        acknowledged: another would keep them too. `all_acknowledged`: whoever reads knows that it
        has not. Called before `close`, when nothing is read any more. ConnectionDown."""
        ...

    async def close(self) -> None:
        """Let go; what was not acknowledged is another's to read. Idempotent, raises nothing."""
        ...


class TopicPlaceStore(Protocol):
    """Keeps up to where sources have read their topics."""

    def topic_places(self, source: int) -> Awaitable[Sequence[TopicPlace]]:
        """Return those of a source."""
        ...

    def put_topic_places(self, source: int, places: Sequence[TopicPlace]) -> Awaitable[None]:
        """Keep places; on stable storage when it returns."""
        ...


class TableOwnerStore(Protocol):
    """Keeps which other installation reads what a source would read."""

    def table_owner(self, source: int) -> Awaitable[TableOwner | None]:
        """Return what is known of it."""
        ...

    def put_table_owner(self, owner: TableOwner) -> Awaitable[None]:
        """Keep it; on stable storage when it returns."""
        ...

    def drop_table_owner(self, source: int) -> Awaitable[None]:
        """Forget it: the source reads the table itself."""
        ...


class DriverStore(TopicPlaceStore, TableOwnerStore, Protocol):
    """The store of drivers of sources."""


class SourceDriver(Protocol):
    """Opens sources of one kind."""

    async def open(self, source: Source, connection: Connection, number: int) -> OpenSource:
        """Open a source over a connection. `number`: the source's own, for names that must be its
        alone. Raise ConnectionDown where that fails."""
        ...
