"""What a process that owns one cell of several has of the others: the map, and lines to owners.

With one cell there is none of it, and no part of the service is another one for it.
"""

from dataclasses import dataclass

from tidings.app.cells.map_reader import MapReader
from tidings.core.cells.cell_map import CellOwner
from tidings.core.cells.families import CellId
from tidings.door.owner_lines import OwnerLines
from tidings.door.owner_questions import OwnerQuestions
from tidings.store.port.cell_map import CellMapStore


@dataclass(kw_only=True)
class Installation:
    """Hold what one process has of its installation. To be used within one event loop.

    `owner`: this process, by its epoch and the address of its door; the epoch may rise
    (`owner_row.py`), so nobody keeps it. `directory_key`: of digests in
    the directory; `seal`: of heads between doors, where there is no TLS.
    """

    cell: CellId
    owner: CellOwner
    store: CellMapStore
    reader: MapReader
    lines: OwnerLines
    questions: OwnerQuestions
    directory_key: bytes
    seal: bytes | None = None
