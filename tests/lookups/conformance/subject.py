"""What the suite needs of an adapter: a source, and somebody who answers as told."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from tidings.lookups.port import LookupBackend


class Bench(Protocol):
    """A source that searches by one value, and who answers it."""

    @property
    def source(self) -> LookupBackend:
        """What is under test."""

    def asks(self, value: Any) -> Mapping[str, Any]:
        """The values of a question by this one."""

    def keeps(self, names: Mapping[str, str]) -> None:
        """From now on there is a record for each key, `{"id": key, "name": …}`, and no other."""

    def is_down(self) -> None:
        """Nobody answers from now on."""

    def is_slow(self) -> None:
        """Nothing is answered within a second."""

    def is_well(self) -> None:
        """It is as it was in the begin."""


class Adapter(Protocol):
    """An adapter under test."""

    def run(self) -> AbstractAsyncContextManager[Bench]:
        """It, and who answers it, for one test."""
