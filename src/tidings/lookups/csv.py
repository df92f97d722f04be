"""Look-ups in a CSV file of the operator's, which may be replaced at any time.

What such a file may be, and what of it is kept in memory, is in `csv_table.py`. It is read in a
thread, beside which the event loop goes on. Where somebody asks, it is looked at once a second at
most; once it has been still for a second, another state of it is read, and takes the place of the
earlier one in one moment. Whoever asks after a while in which nobody did waits for that, and is put
off where it takes longer than a question, so that no customer who has opted out meanwhile is
written to; while many ask, nobody waits, for a minute. A state that is broken, gone, or never still
does not take its place: the earlier one stays in force, and the log says why. Best is to write a
new file beside it and to rename that.

Nor is one taken that looks like a slip (`core/actions/list_changes.py`), until the operator has
accepted it (`accepted_lists.py`). The state in force is kept (`port.py:KeptState`), so that it
stays in force over a restart, and on a machine that takes over; where there is none, or it cannot
be asked for, whoever asks is put off.
"""

import asyncio
import stat
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, time
from typing import Any, NamedTuple

import structlog

from tidings.core.actions.action import CsvLookup
from tidings.core.actions.context import text_of
from tidings.core.actions.list_changes import (
    ZONES_MAX,
    ListState,
    ReadColumns,
    objection_to,
)
from tidings.core.orgs.org_rules import is_zone
from tidings.errors import Unavailable
from tidings.lookups.accepted_lists import is_accepted, noted_at
from tidings.lookups.csv_table import CsvTable, FileUnfit, GivenUp, read_file
from tidings.lookups.port import KeptState, ListNotTaken, LookupDown, LookupRefused

LOOK_S = 1.0
STILL_S = 1.0
IDLE_S = LOOK_S + STILL_S  # without a question: the earlier state may be old by any time
LATE_S = 60.0  # a look that takes so long: it may be, too
WRITTEN_MAX_S = 30.0
_BEING_READ = "The file has changed, and must be read first. It is being read."

log = structlog.get_logger(__name__)


class _Seen(NamedTuple):
    """By which a state of the file is known; all 0 where there is none."""

    device: int = 0
    file: int = 0
    size: int = 0
    changed_ns: int = 0
    noted_ns: int = 0  # when the system noted a change: no copying tool sets that


_GONE = _Seen()


class CsvSource:
    """See `LookupBackend`."""

    def __init__(
        self,
        where: CsvLookup,
        columns: ReadColumns | None = None,
        kept: KeptState | None = None,
        *,
        name: str = "",
        passed_s: Callable[[], float] = monotonic,
    ) -> None:
        """`columns` that actions read; `kept`: the state in force, over restarts; `name` of the
        look-up. `passed_s` of a clock that is never set: when the file is looked at."""
        self._columns = columns or ReadColumns()
        self._kept = kept
        self._name = name
        self._state: ListState | None = None  # of the table in force
        self._digest = ""  # of the table in force
        self._untaken = ""  # why the state that is there is not taken; empty where it is
        self._unkept = False  # whether the table in force must still be kept
        self._unkept_why = ""
        self._noted = (0, 0)  # the operator's note, when it was judged
        self._listener: Callable[[str], None] | None = None
        self._path = Path(where.file)
        self._key = where.key
        self._passed_s = passed_s
        self._table: CsvTable | None = None
        self._judged: _Seen | None = None  # the state that is in force, or that was found broken
        self._fault = ""  # of what is there now
        self._looked_s = float("-inf")
        self._looking: asyncio.Task[None] | None = None
        self._awaited = False  # whether questions wait for its end
        self._stop = threading.Event()

    async def find(self, values: Mapping[str, Any], deadline_s: float) -> dict[str, Any] | None:
        key = text_of(values.get("by"))
        if key is None:
            raise LookupRefused(
                "What is searched for must be a text, a number or a truth; it is something else. "
                "Correct by."
            )
        self._look()
        if (looking := self._looking) is not None and (self._table is None or self._waits()):
            await asyncio.wait({looking}, timeout=deadline_s)
            if self._table is not None and self._waits() and not looking.done():
                raise LookupDown(_BEING_READ)
        if self._table is not None:
            return self._table.find(key)
        if self._untaken:
            raise ListNotTaken(self._untaken)
        raise LookupDown(self._fault or "The file must be read first. It is being read.")

    def listen(self, listener: Callable[[str], None]) -> None:
        """Tell why a state of the file is not taken, each once."""
        self._listener = listener

    async def check(self) -> str | None:
        """Say what is wrong with the file, also whether keys stand there more than once; None where
        nothing is known to be."""
        self._look(now=True)
        if self._looking is not None:
            await asyncio.wait({self._looking})
        if self._untaken:
            return self._untaken
        if self._fault:
            earlier = "" if self._table is None else " Its earlier state is in force."
            return self._fault + earlier
        if self._table is not None and self._table.repeated:
            return (
                f"Each {self._key} should stand on one line; {self._table.repeated:,} lines come "
                "before another one with the same, and count no more. Leave them out."
            )
        return None

    async def close(self) -> None:
        looking, self._looking = self._looking, None
        self._stop.set()
        self._stop = threading.Event()
        if looking is not None:
            looking.cancel()
            await asyncio.wait({looking})
        self._table, self._judged, self._fault = None, None, ""
        self._state, self._digest, self._untaken = None, "", ""
        self._unkept, self._unkept_why = False, ""
        self._looked_s = float("-inf")

    # -- inside -----------------------------------------------------------------------------------

    def _look(self, *, now: bool = False) -> None:
        """See whether there is another state of the file, unless somebody does, or just has."""
        if self._looking is not None and not self._looking.done():
            return
        passed_s = self._passed_s()
        if now or passed_s - self._looked_s >= LOOK_S:
            self._awaited = passed_s - self._looked_s > IDLE_S
            self._looked_s = passed_s
            self._looking = asyncio.get_running_loop().create_task(self._follow(self._stop))

    def _waits(self) -> bool:
        """Return whether the state in force may be too old for who asks."""
        return self._awaited or self._passed_s() - self._looked_s > LATE_S

    async def _follow(self, stop: threading.Event) -> None:
        """Take what is there, if it is another state than the one that was judged last."""
        seen = await asyncio.to_thread(_seen, self._path)
        if self._untaken and await asyncio.to_thread(noted_at, self._path) != self._noted:
            self._judged = None  # it may be accepted now
        until_s = monotonic() + WRITTEN_MAX_S
        while seen != self._judged:
            if monotonic() > until_s:
                self._judged = None
                self._take(_Judged(), self._restless())
                break
            if seen != _GONE and time() - seen.changed_ns / 1e9 < STILL_S:
                await asyncio.sleep(STILL_S)  # somebody may be writing it
                if (again := await asyncio.to_thread(_seen, self._path)) != seen:
                    seen = again
                    continue
            try:
                judged = await self._judge(stop)
            except Unavailable as down:
                self._put_off(f"The list in force cannot be read: {down}. It is tried again.")
                break
            if (again := await asyncio.to_thread(_seen, self._path)) != seen:
                seen = again  # it was changed while it was read
                continue
            self._judged = seen
            if judged.former is not None:
                self._put_in_force(judged.former)
            self._take(judged, judged.fault)
            self._unkept = self._unkept or (judged.table is not None and judged.is_new)
        self._looked_s = self._passed_s()
        if self._unkept:
            self._awaited = False  # what is there is in force; nobody waits until it is kept
            await self._keep()

    async def _judge(self, stop: threading.Event) -> "_Judged":
        """Read the state that is there, and judge it beside the one in force. Unavailable."""
        in_force, former = self._digest, self._state
        kept = self._kept if self._table is None else None
        if kept is not None:  # before the file is read: it may be long, and this be down
            in_force = await kept.digest() or ""
        judged = await asyncio.to_thread(self._read, stop)
        if kept is not None and in_force and in_force != judged.digest:
            data = await kept.load()
            judged.former = await asyncio.to_thread(self._table_of, data, stop)
            former = None if judged.former is None else judged.former.state
        if judged.table is not None:
            await asyncio.to_thread(self._weigh, judged, in_force, former)
        return judged

    async def _keep(self) -> None:
        """Keep the state in force. What is refused is tried again with a later question."""
        if self._table is None or self._kept is None:
            self._unkept = False
            return
        try:
            kept = await self._kept.save(self._table.data, self._digest)
            why = "" if kept else "a part of it was lost while it was written"
            self._unkept = False
        except Unavailable as down:
            why = str(down)
        if why and why != self._unkept_why:
            log.warning("a list cannot be kept", file=self._path.name, reason=why)
        self._unkept_why = why

    def _put_off(self, fault: str) -> None:
        """Judge nothing now; who asks next begins again."""
        self._judged = None
        if fault != self._fault:
            self._take(_Judged(), fault)

    def _read(self, stop: threading.Event) -> "_Judged":
        """Read the state that is there."""
        judged = _Judged()
        try:
            table = CsvTable(read_file(self._path), self._key, stop)
            judged.digest = table.digest()
            judged.state = state_of(table, self._columns, stop)
        except FileUnfit as unfit:
            judged.fault = f"The file {self._path.name} cannot be used. {unfit}"
        except GivenUp:
            return judged
        except FileNotFoundError:
            judged.fault = f"The file {self._path.name} must be there; it is not. Put it there."
        except OSError as error:
            why = error.strerror or "it fails"
            judged.fault = f"The file {self._path.name} must be readable; got: {why}. Fix it."
        else:
            judged.table = table
        return judged

    def _weigh(self, judged: "_Judged", in_force: str, former: ListState | None) -> None:
        """Judge a state beside the one in force: by its digest, and by what is known of it."""
        judged.is_new = in_force != judged.digest
        if not judged.is_new or judged.state is None:
            return
        self._noted = noted_at(self._path)
        why = objection_to(judged.state, former, self._columns)
        if why is not None and not is_accepted(self._path, judged.digest):
            judged.table = None
            judged.untaken = self._not_taken(why, is_in_force=former is not None)

    def _table_of(self, data: bytes | None, stop: threading.Event) -> "_Judged | None":
        """Read the state that is kept; None where there is none that can be used."""
        if data is None:
            return None
        try:
            table = CsvTable(data, self._key, stop)
            return _Judged(table, state_of(table, self._columns, stop), table.digest())
        except (FileUnfit, GivenUp):  # it was searched by another column
            return None

    def _not_taken(self, why: str, *, is_in_force: bool) -> str:
        then = (
            "Its former state stays in force." if is_in_force else "What needs it waits for that."
        )
        return (
            f"The file {self._path.name} is not taken before you accept it. {why} {then} Correct "
            "the file; or, if it is meant, run tidings actions check with your file of actions and "
            f"--accept {self._name or 'its look-up'}."
        )

    def _restless(self) -> str:
        return (
            f"The file {self._path.name} must be still for a second to be read; it is written all "
            "the time. Write a new one beside it, and rename that."
        )

    def _put_in_force(self, judged: "_Judged") -> None:
        self._table, self._state, self._digest = judged.table, judged.state, judged.digest

    def _take(self, judged: "_Judged", fault: str) -> None:
        self._fault = fault
        before, self._untaken = self._untaken, judged.untaken
        if judged.table is not None:
            self._put_in_force(judged)
            log.info(
                "a file of look-ups was read",
                file=self._path.name,
                lines=judged.table.lines,
                repeated=judged.table.repeated,
            )
        elif judged.untaken and judged.untaken != before:
            log.warning(
                "a file of look-ups waits until it is accepted",
                file=self._path.name,
                reason=judged.untaken,
                earlier=self._table is not None,
            )
            if self._listener is not None:
                self._listener(judged.untaken)
        elif fault:
            log.warning(
                "a file of look-ups cannot be used",
                file=self._path.name,
                reason=fault,
                earlier=self._table is not None,
            )


def state_of(table: CsvTable, columns: ReadColumns, stop: threading.Event) -> ListState:
    """Collect what a state of a list is judged by. Raise GivenUp if the work is to stop."""
    zones: set[str] = set()
    for column in columns.zones & frozenset(table.columns):
        zones |= table.values_where(
            column, lambda value: bool(value) and not is_zone(value), ZONES_MAX, stop
        )
    return ListState(table.lines, table.columns, frozenset(zones))


@dataclass
class _Judged:
    """The result of reading a file. `former`: the state that is kept, where it was not read yet."""

    table: CsvTable | None = None  # None where it is not taken
    state: ListState | None = None
    digest: str = ""
    fault: str = ""
    untaken: str = ""
    is_new: bool = False
    former: "_Judged | None" = None


def _seen(path: Path) -> _Seen:
    try:
        found = path.stat()
    except OSError:
        return _GONE
    if not stat.S_ISREG(found.st_mode):
        return _Seen(found.st_dev, found.st_ino)
    return _Seen(
        found.st_dev,
        found.st_ino,
        found.st_size,
        changed_ns=found.st_mtime_ns,
        noted_ns=found.st_ctime_ns,
    )
