"""Where new families go, by what this process knows of all cells.

Which families there are is read of the map each second, events of the last hour are asked for once
a minute. What was placed since counts as what an average family brings: that of this process at
once, that of others as soon as the map has it.
"""

from collections import Counter
from collections.abc import Mapping

from tidings.app.cells.calls.body_naming import place_family
from tidings.app.cells.installation import Installation
from tidings.app.cells.over.cell_loads import CellLoads
from tidings.core.cells.families import CellId
from tidings.core.cells.placement import CellLoad
from tidings.store.port.cell_map import CellState, MapPlace


class FamilyPlacing:
    """Chooses the cells of new families. To be used within one event loop."""

    def __init__(self, installation: Installation, loads: CellLoads | None = None) -> None:
        """`loads`: None where all cells count as having as many events."""
        self._installation = installation
        self._loads = loads
        self._placed: Counter[CellId] = Counter()  # here, since the map was read
        self._place = MapPlace()
        self._families: Mapping[CellId, int] = {}  # as they were when the loads were read
        self._readings = -1

    async def choose(self, key: bytes = b"", *, is_made: bool = True) -> CellId | None:
        """Choose the cell of a new family; None where none is open. With a key it is the same one
        each time. `is_made`: it counts as placed from now on, but for what a stranger may send."""
        cell = place_family(await self.loads(), key)
        if cell is not None and is_made:
            self._placed[cell] += 1
        return cell

    async def loads(self) -> list[CellLoad]:
        """List what each cell has to do."""
        events: Mapping[CellId, int] = {}
        if self._loads is not None:
            events = await self._loads.events()
        view = self._installation.reader.view
        if view.place != self._place:
            self._place = view.place
            self._placed.clear()
        families = view.families_by_cell()
        readings = 0 if self._loads is None else self._loads.readings
        if readings != self._readings:
            self._readings, self._families = readings, dict(families)
        found = []
        for cell, known in view.cells.items():
            since = max(0, families[cell] - self._families.get(cell, 0))
            found.append(
                CellLoad(
                    cell=cell,
                    events=events.get(cell, 0),
                    families=families[cell] - since,
                    placed=since + self._placed[cell],
                    is_open=known.state is CellState.OPEN and view.places.is_owned(cell),
                )
            )
        return found
