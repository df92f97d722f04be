"""Ways along the rows of a family: a bounded piece of work at each step, in an order of keys.

Most tables of the log have no index by org. So their rows are met by stretches: so many neighbours
by key, of which those of the family are read. How many that are follows from what the last stretch
has cost. A step may find nothing, and names the key to go on behind all the same.
"""

import time
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from tidings.core.ids import OrgId
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.facts.owned_keys import OwnedKeys
from tidings.store.sql.moving.family_tables import IN_ORGS, FamilyRowsList, FoundBy
from tidings.store.sql.queries import id_hash

STRETCH_MIN, STRETCH_MAX = 256, 1 << 17  # rows that are looked through at once
STRETCH_S = 0.008  # what one of them may take
PARENTS_AT_ONCE = 500
IDS_AT_ONCE = 128
# Columns of texts and bytes that may be long: a page is bounded by what is in them.
LONG = frozenset(
    """settings config declaration template value fact answer before after reason headers body
    bytes said detail entries sealed minutes spec terms message portal""".split()
)

Row = Sequence[Any]
Key = Sequence[Any]


class WalkBounds(NamedTuple):
    """Bound what a step may take."""

    rows: int
    bytes: int
    until_s: float  # by `time.monotonic`: no further stretch is begun then
    is_begun: bool = False  # something was found: a row that does not fit is left for the next step

    def without(self, rows: Sequence[Row], held: int) -> "WalkBounds":
        """Return what is left of them behind rows that hold so many bytes."""
        return self._replace(
            rows=self.rows - len(rows),
            bytes=self.bytes - held,
            is_begun=self.is_begun or bool(rows),
        )

    @property
    def are_over(self) -> bool:
        """Return whether no time is left."""
        return time.monotonic() >= self.until_s


class WalkStep(NamedTuple):
    """Hold what a step has found. `after`: where the next one goes on; None: at the end."""

    rows: Sequence[Row]
    after: Key | None
    bytes: int = 0


Walk = Callable[[Key, WalkBounds], WalkStep]


class FamilyWalks:
    """The ways along each list of rows, of one family."""

    def __init__(self, connection: StoreConnection, owned: OwnedKeys) -> None:
        self._connection = connection
        self._owned = owned
        self._stretches: dict[str, int] = {}

    def walk(self, rows: FamilyRowsList, columns: Sequence[str], condition: str = "") -> Walk:
        """Return the way along a list, which reads these columns. `condition`: a further one."""
        if rows.found is FoundBy.ORGS:
            return _OrgWalk(self._connection, self._owned, columns).step
        if rows.found is FoundBy.PARENT:
            return _ParentWalk(self._connection, self._owned, rows, columns).step
        if rows.found is FoundBy.EVENT_IDS:
            return _EventIdWalk(self, columns).step
        return _StretchWalk(self, rows, columns, condition).step

    # -- what walks share -------------------------------------------------------------------------

    @property
    def orgs(self) -> str:
        """The orgs of the family, as a list in JSON."""
        return self._owned.orgs_json

    def bound_of(self, driver: str, key: str, after: Any, name: str) -> Any:
        """Return the key at the end of the next stretch of a table; None where that is its last."""
        behind = "" if after is None else f" WHERE t.{key} > :after"
        found = self._connection.execute(
            f"SELECT t.{key} FROM {driver} t{behind} ORDER BY t.{key} LIMIT 1 OFFSET :stretch",
            {"after": after, "stretch": self._stretches.setdefault(name, 4 * STRETCH_MIN)},
        ).fetchone()
        return None if found is None else found[0]

    def note_cost(self, name: str, cost_s: float, *, is_full: bool) -> None:
        """Have the next stretch of a list be longer or shorter than the one that cost this."""
        length = self._stretches[name]
        if is_full or cost_s > STRETCH_S:
            length = max(STRETCH_MIN, length // 2)
        elif cost_s < STRETCH_S / 2:
            length = min(STRETCH_MAX, length * 2)
        self._stretches[name] = length

    def ids_of(self, columns: str, hashes: Sequence[bytes]) -> Sequence[Row]:
        """Read the rows of `event_id` with these hashes, by one statement for any count of them."""
        places = ", ".join("?" for _ in range(IDS_AT_ONCE))
        filled = [*hashes, *[hashes[-1]] * (IDS_AT_ONCE - len(hashes))]
        found = self._connection.execute(
            f"SELECT {columns} FROM event_id WHERE hash IN ({places})", filled
        )
        return found.fetchall()

    def take(
        self, columns: Sequence[str], source: str, asked: Mapping[str, Any], bounds: WalkBounds
    ) -> tuple[list[Row], int, bool]:
        """Read rows of a source as far as they are within bounds: the rows, their bytes, and
        whether there may be more."""
        return take(self._connection, columns, source, asked, bounds)


def take(
    connection: StoreConnection,
    columns: Sequence[str],
    source: str,
    asked: Mapping[str, Any],
    bounds: WalkBounds,
) -> tuple[list[Row], int, bool]:
    """See `FamilyWalks.take`."""
    long = [column for column in columns if column.rpartition(".")[2] in LONG]
    if not long:
        rows: list[Row] = _limited(connection, columns, source, asked, bounds.rows)
        return rows, 0, len(rows) == bounds.rows
    lengths = " + ".join(f"coalesce(length({column}), 0)" for column in long)
    found = _limited(connection, [lengths], source, asked, bounds.rows)
    fitting = held = 0
    for (length,) in found:
        if (fitting or bounds.is_begun) and held + length > bounds.bytes:
            break
        held += length
        fitting += 1
    is_cut = fitting < len(found) or len(found) == bounds.rows
    rows = _limited(connection, columns, source, asked, fitting) if fitting else []
    return rows, held, is_cut


def _limited(
    connection: StoreConnection,
    columns: Sequence[str],
    source: str,
    asked: Mapping[str, Any],
    limit: int,
) -> list[Any]:
    text = f"SELECT {', '.join(columns)} {source} LIMIT :limit"
    return connection.execute(text, {**asked, "limit": limit}).fetchall()


class _OrgWalk:
    """The orgs, from the one without a parent down. The key is the place in that order."""

    def __init__(
        self, connection: StoreConnection, owned: OwnedKeys, columns: Sequence[str]
    ) -> None:
        self._connection = connection
        self._owned = owned
        self._columns = columns

    def step(self, after: Key, bounds: WalkBounds) -> WalkStep:
        begin: int = after[0] if after else 0
        orgs = self._owned.orgs[begin : begin + min(bounds.rows, PARENTS_AT_ONCE)]
        found = self._connection.execute(
            f"SELECT t.id, {', '.join(f't.{column}' for column in self._columns)} FROM org t"
            " WHERE t.id IN (SELECT value FROM json_each(:ids))",
            {"ids": msgspec.json.encode(orgs).decode()},
        ).fetchall()
        by_id = {org: row for org, *row in found}
        end = begin + len(orgs)
        is_last = end >= len(self._owned.orgs)
        return WalkStep([by_id[org] for org in orgs], None if is_last else [end])


class _ParentWalk:
    """Rows of parents, one after another. The key is the parent's and that of the row beside it."""

    def __init__(
        self,
        connection: StoreConnection,
        owned: OwnedKeys,
        rows: FamilyRowsList,
        columns: Sequence[str],
    ) -> None:
        self._connection = connection
        self._parents = owned.keys_of(rows.of)
        self._rest = rows.key[1:]
        self._columns = [*(f"t.{column}" for column in self._rest), *(f"t.{c}" for c in columns)]
        self._source = f"FROM {rows.table} t WHERE t.{rows.column} = :parent"
        self._having = (
            f"SELECT p.value FROM json_each(:parents) p WHERE EXISTS (SELECT 1 FROM {rows.table} t"
            f" WHERE t.{rows.column} = p.value)"
        )

    def step(self, after: Key, bounds: WalkBounds) -> WalkStep:
        at = bisect_left(self._parents, after[0]) if after else 0
        chunk = self._parents[at : at + PARENTS_AT_ONCE]
        if not chunk:
            return WalkStep([], None)
        asked = {"parents": msgspec.json.encode(chunk).decode()}
        having = sorted(parent for (parent,) in self._connection.execute(self._having, asked))
        rows: list[Row] = []
        held, done, width = 0, after, len(self._rest)
        for parent in having:
            if after and parent == after[0] and len(after) == 1:
                continue  # all of it was read
            rest = after[1:] if after and parent == after[0] else ()
            found, length, is_cut = self._read(parent, rest, bounds.without(rows, held))
            held += length
            rows += [row[width:] for row in found]
            if is_cut:
                return WalkStep(rows, [parent, *found[-1][:width]] if found else done, held)
            done = [parent]
            if len(rows) >= bounds.rows or held >= bounds.bytes or bounds.are_over:
                return WalkStep(rows, done, held)
        is_last = at + len(chunk) >= len(self._parents)
        return WalkStep(rows, None if is_last else [chunk[-1]], held)

    def _read(self, parent: Any, rest: Key, left: WalkBounds) -> tuple[list[Row], int, bool]:
        asked, source = {"parent": parent}, self._source
        if rest:
            source += f" AND {_behind(self._rest)}"
            asked |= {f"k{place}": value for place, value in enumerate(rest)}
        if self._rest:
            source += f" ORDER BY {', '.join(f't.{column}' for column in self._rest)}"
        found, length, is_cut = take(self._connection, self._columns, source, asked, left)
        return found, length, is_cut and (bool(self._rest) or not found)


def _behind(key: Sequence[str]) -> str:
    """Write the condition of rows `t` behind a key whose parts are `:k0`, `:k1` …"""
    names = ", ".join(f"t.{column}" for column in key)
    places = ", ".join(f":k{place}" for place, _ in enumerate(key))
    return f"({names}) > ({places})" if len(key) > 1 else f"{names} > {places}"


_OF_THEIR_WEBHOOKS = (
    f"EXISTS (SELECT 1 FROM webhook w WHERE w.number = d.webhook AND w.org {IN_ORGS})"
)
_WITHIN = "CASE WHEN d.seq = :after AND :k0 > d.first_delivery THEN :k0 ELSE d.first_delivery END"


class _Driver(NamedTuple):
    """Name what a stretch is of, and which rows are found by each of it."""

    table: str
    key: str
    condition: str
    join: str  # of the rows `t` that are found by one of the driver
    within: str  # the same, for those behind a key of the driver's first


def _driver_of(rows: FamilyRowsList) -> _Driver:
    column = f"t.{rows.column}"
    if rows.found is FoundBy.REPLAYED:
        join = f"CROSS JOIN {rows.table} t ON {column} = d.delivery"
        return _Driver(
            "delivery_replay",
            "delivery",
            condition=_OF_THEIR_WEBHOOKS,
            join=join,
            within=join,
        )
    begin, within, end = "d.first_delivery", _WITHIN, " AND {} < d.first_delivery + d.deliveries"
    join = f"CROSS JOIN {rows.table} t ON {column} >= {{}}{end.format(column)}"
    if rows.of == "event":
        join = f"CROSS JOIN {rows.table} t ON {column} = d.seq"
    return _Driver(
        "event",
        "seq",
        condition=f"d.org {IN_ORGS}",
        join=join.format(begin),
        within=join.format(within),
    )


class _StretchWalk:
    """Rows that are met by stretches of a table: of their own, of events, or of what replays made.
    The key is that of the stretch, and, within what one of it leads to, that of the row."""

    def __init__(
        self, walks: FamilyWalks, rows: FamilyRowsList, columns: Sequence[str], condition: str
    ) -> None:
        self._walks = walks
        self._name = rows.name
        self._key = () if rows.found is FoundBy.CONDITION else rows.key
        if rows.found is FoundBy.CONDITION:
            [key] = rows.key
            alias = "t"
            self._driver = _Driver(rows.table, key, condition=rows.condition, join="", within="")
        else:
            alias, self._driver = "d", _driver_of(rows)
        self._place = f"{alias}.{self._driver.key}"
        self._alias = alias
        self._conditions = [self._driver.condition, *([condition] if condition else [])]
        own = [self._place, *(f"t.{column}" for column in self._key)]
        self._width = len(own)
        self._columns = [*own, *(f"t.{column}" for column in columns)]
        self._order = f" ORDER BY {', '.join(own)}"

    def step(self, after: Key, bounds: WalkBounds) -> WalkStep:
        rows: list[Row] = []
        held = 0
        while True:
            found, length, is_cut, behind = self._stretch(after, bounds.without(rows, held))
            rows += found
            held += length
            if is_cut or behind is None or held >= bounds.bytes or bounds.are_over:
                return WalkStep(rows, behind, held)
            after = behind

    def _stretch(self, after: Key, bounds: WalkBounds) -> tuple[list[Row], int, bool, Key | None]:
        began_s = time.monotonic()
        driver, walks = self._driver, self._walks
        first, rest = (after[0] if after else None), after[1:]
        bound = walks.bound_of(driver.table, driver.key, first, self._name)
        asked: dict[str, Any] = {"orgs": walks.orgs, "after": first, "bound": bound}
        asked |= {f"k{place}": value for place, value in enumerate(rest)}
        where = [*self._conditions]
        if after:
            where.append(f"{self._place} {'>=' if rest else '>'} :after")
        if bound is not None:
            where.append(f"{self._place} <= :bound")
        if rest:
            where.append(f"({self._place} > :after OR {_behind(self._key)})")
        source = (
            f"FROM {driver.table} {self._alias} {driver.within if rest else driver.join}"
            f" WHERE {' AND '.join(where)}{self._order}"
        )
        found, length, is_cut = walks.take(self._columns, source, asked, bounds)
        walks.note_cost(self._name, time.monotonic() - began_s, is_full=is_cut)
        rows = [row[self._width :] for row in found]
        if is_cut:
            return rows, length, True, list(found[-1][: self._width]) if found else after
        return rows, length, False, None if bound is None else [bound]


class _EventIdWalk:
    """The ids of events: nothing leads from an event to its id but the hash of it."""

    def __init__(self, walks: FamilyWalks, columns: Sequence[str]) -> None:
        self._walks = walks
        self._columns = ", ".join(columns)
        events = FamilyRowsList(
            "event",
            FoundBy.CONDITION,
            columns=(),
            key=("seq",),
            condition=f"t.org {IN_ORGS}",
            part="by id",
        )
        self._events = walks.walk(events, ("org", "id"))

    def step(self, after: Key, bounds: WalkBounds) -> WalkStep:
        events = self._events(after, bounds)
        hashes = [id_hash(OrgId(org), id) for org, id in events.rows]
        rows: list[Row] = []
        for begin in range(0, len(hashes), IDS_AT_ONCE):
            rows += self._walks.ids_of(self._columns, hashes[begin : begin + IDS_AT_ONCE])
        return WalkStep(rows, events.after)
