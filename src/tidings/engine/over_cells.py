"""What is changed here and is in force over all cells; where there is one cell, nobody is told."""

from collections.abc import Awaitable, Iterable
from typing import Protocol

from tidings.core.cells.families import CellId
from tidings.errors import Busy
from tidings.store import port


class NotConfirmed(Busy):
    """It is written down, and in force in all cells but some. To be asked again, which changes
    nothing but asks those once more."""

    def __init__(self, cells: Iterable[CellId]) -> None:
        self.cells = sorted(cells)
        named = ", ".join(map(str, self.cells))
        refused = Busy.because(
            "not_confirmed",
            "The change must be confirmed by the owner of every cell; got no word of "
            f"{'cells' if len(self.cells) > 1 else 'cell'} {named}, where it may not be in force. "
            "Make the call again.",
        )
        super().__init__(*refused.refusals)


class OverCells(Protocol):
    """Tells the owners of all cells."""

    def begin(self) -> Awaitable[None]:
        """Take up what is in force over all cells, before anything is sent. Where that cannot be
        known soon, nothing is sent until it is."""

    def put_credential(self, credential: port.StoredCredential) -> Awaitable[None]:
        """Put one of the platform's own credentials in force as it is, or out of force."""

    def confirm_credential(self, id: str) -> Awaitable[None]:
        """Wait until every owner has that. Raise NotConfirmed, which names those that have not."""

    def put_stop(self, stop: port.SendingStop | None) -> Awaitable[None]:
        """Have sending stopped for all orgs; None: have it go on."""

    def confirm_stop(self) -> Awaitable[None]:
        """Wait until every owner has that. Raise NotConfirmed, which names those that have not."""
