"""What the suite needs of a driver: a place of its own where messages are, and ways to read it."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from tidings.sources.port import OpenSource


class Made(NamedTuple):
    """A message to produce. Messages of one key are kept in order wherever they go."""

    key: str
    body: bytes
    headers: Mapping[str, str] = {}


class Subject(Protocol):
    """A source under test, empty at first."""

    async def produce(self, *messages: Made) -> None:
        """Let them be there, in this order."""

    async def open(self) -> OpenSource:
        """Read as the service would. ConnectionDown."""

    def stop_server(self) -> None:
        """What holds the messages is gone without a word."""

    def start_server(self) -> None:
        """It is there again, with what it had."""


# Makes a subject for one test, of the fixtures that it asks for.
NewSubject = Callable[[Any], Subject]
