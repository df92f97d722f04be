"""A list in a file that a look-up reads."""

import os
from pathlib import Path
from typing import Any

from tidings.core.actions.action import CsvLookup
from tidings.lookups.csv import CsvSource

OLD_S = 1_000_000_000


class Passing:
    """A clock that passes as it is told."""

    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s


class File:
    """A file and its look-up."""

    def __init__(self, folder: Path, key: str = "id") -> None:
        self.path = folder / "contacts.csv"
        self.passed = Passing()
        self.source = CsvSource(CsvLookup(str(self.path), key, "x"), passed_s=self.passed)
        self._states = 0

    def holds(self, text: str | bytes, *, by_rename: bool = True) -> None:
        """It has another content, which has been there for long."""
        place = self.path.with_suffix(".new") if by_rename else self.path
        place.write_bytes(text if isinstance(text, bytes) else text.encode())
        self._states += 1
        os.utime(place, (OLD_S + self._states, OLD_S + self._states))
        if by_rename:
            place.rename(self.path)

    async def find(self, key: Any, deadline_s: float = 30.0) -> Any:
        return await self.source.find({"by": key}, deadline_s)

    async def looked_at(self) -> None:
        """A second passes, somebody asks, and whatever is there is judged."""
        self.passed.s += 1.1
        await self.find("nobody")
        assert self.source._looking is not None
        await self.source._looking

    async def fault(self, text: str | bytes) -> str:
        """What is said of a file with this content."""
        self.holds(text)
        said = await self.source.check()
        assert said is not None and said.endswith(".")
        return said
