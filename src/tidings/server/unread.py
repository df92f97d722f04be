"""Answers that wait for peers to read them: how many bytes, and whose give way. No IO, no clock."""

from collections.abc import Hashable
from typing import Generic, TypeVar

C = TypeVar("C", bound=Hashable)


class UnreadAnswers(Generic[C]):
    """The connections whose peers do not read as fast as they are answered."""

    def __init__(self) -> None:
        self._sizes: dict[C, tuple[str, int]] = {}  # the oldest first
        self._by_address: dict[str, int] = {}
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._sizes)

    def __contains__(self, connection: C) -> bool:
        return connection in self._sizes

    def put(self, connection: C, address: str, size: int) -> None:
        """Note that so many bytes wait for the peer of a connection, in place of what was noted."""
        if connection in self._sizes:
            address, before = self._sizes[connection]
            self._count(address, -before)
        self._sizes[connection] = (address, size)
        self._count(address, size)

    def drop(self, connection: C) -> None:
        """Forget a connection whose peer has read all, or has gone. Idempotent."""
        noted = self._sizes.pop(connection, None)
        if noted is not None:
            address, size = noted
            self._count(address, -size)
            if not self._by_address[address]:
                del self._by_address[address]

    def greediest(self) -> C:
        """Find who gives way: the oldest of the address for which the most bytes wait."""
        most = max(self._by_address, key=lambda address: self._by_address[address])
        return next(
            connection for connection, (address, _) in self._sizes.items() if address == most
        )

    def _count(self, address: str, more: int) -> None:
        self.bytes += more
        self._by_address[address] = self._by_address.get(address, 0) + more
