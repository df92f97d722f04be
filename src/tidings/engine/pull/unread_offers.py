"""Messages that wait at desks where no reader waits: bounded in bytes, for each org and in all.

A reader may leave before its messages are made; the next one finds them. Past the bounds the latest
are put back and wait in the store, so that who has a reader never waits for room that those hold.
"""

from collections import Counter

from tidings.core.ids import OrgId
from tidings.engine.pull.desk import Desk

OF_ORG_BYTES_MAX, ALL_BYTES_MAX = 8 << 20, 32 << 20


class UnreadOffers:
    """The desks without a reader at which messages wait: the one with most gives way."""

    def __init__(self) -> None:
        self._desks: dict[int, Desk] = {}
        self._counted: dict[int, int] = {}  # bytes, by desk
        self._of_org: Counter[OrgId] = Counter()
        self.held = 0  # bytes, of all desks

    def look(self, desk: Desk) -> None:
        """Count what waits at a desk now, and have put back what is too much."""
        self._count(desk)
        while self._of_org[desk.org] > OF_ORG_BYTES_MAX or self.held > ALL_BYTES_MAX:
            of_org = self._of_org[desk.org] > OF_ORG_BYTES_MAX
            largest = max(
                (number for number in self._counted if not of_org or self._is_of(number, desk.org)),
                key=self._counted.__getitem__,
            )
            self._desks[largest].put_back_last()
            self._count(self._desks[largest])

    def _is_of(self, number: int, org: OrgId) -> bool:
        return self._desks[number].org == org

    def _count(self, desk: Desk) -> None:
        size = 0 if desk.readers else desk.offered_bytes
        more = size - self._counted.get(desk.number, 0)
        if size:
            self._counted[desk.number] = size
            self._desks[desk.number] = desk
        else:
            self._counted.pop(desk.number, None)
            self._desks.pop(desk.number, None)
        self.held += more
        self._of_org[desk.org] += more
        if not self._of_org[desk.org]:
            del self._of_org[desk.org]
