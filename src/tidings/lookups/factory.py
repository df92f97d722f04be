"""Makes the adapter of a look-up from what it is declared as.

Look-ups over one connection share its lines, and those with one credential its token.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, assert_never

from tidings.connections.port import ConnectionDown, comes_with
from tidings.connections.sql_type import EXTRA
from tidings.connections.sql_type import TYPE as SQL_TYPE
from tidings.core.actions.action import ActionLookup, CsvLookup, HttpLookup, SqlLookup
from tidings.core.actions.list_changes import ReadColumns
from tidings.core.actions.placeholders import origin_of
from tidings.core.connections.connection import Connection
from tidings.core.connections.tables import LINES_MAX, LINES_USUAL
from tidings.destinations.http.authentication.schemes import Proofs
from tidings.egress.port import Origins, ReceiverAddress
from tidings.errors import Invalid, Unusable
from tidings.lookups.csv import CsvSource
from tidings.lookups.http import HttpSource
from tidings.lookups.port import KeptState, LookupBackend

if TYPE_CHECKING:
    from tidings.connections.postgresql_lines import PostgresqlPool


class LookupFactory:
    """All that adapters of look-ups are made with."""

    def __init__(
        self,
        origins: Origins,
        target_of: Callable[[str], ReceiverAddress],
        connections: Mapping[str, Connection],
        proofs: Proofs,
        now_s: Callable[[], float],
        columns: Mapping[str, ReadColumns] | None = None,
        keep: Callable[[str], KeptState] | None = None,
    ) -> None:
        """`columns` that actions read of a list, by the look-up's name; `keep`: where the state in
        force of a list's file is kept; None keeps none. `origins`: the guarded way out; `target_of`
        a URL, which may be refused (Invalid); `proofs` are shared with whoever shows the same
        credentials; `now_s` since the epoch."""
        self._origins = origins
        self._target_of = target_of
        self._connections = connections
        self._proofs = proofs
        self._now_s = now_s
        self._columns = columns or {}
        self._keep = keep
        self._lines: dict[str, PostgresqlPool] = {}

    def source_of(self, lookup: ActionLookup) -> LookupBackend:
        """Build the adapter of a look-up; nothing is asked yet. Raise Unusable, with the reason, if
        what it is declared with leads nowhere."""
        where = lookup.where
        match where:
            case HttpLookup():
                return self._http(lookup, where)
            case SqlLookup():
                return self._sql(lookup, where)
            case CsvLookup():
                kept = None if self._keep is None else self._keep(where.file)
                return CsvSource(where, self._columns.get(lookup.name), kept, name=lookup.name)
            case _:
                assert_never(where)

    def _http(self, lookup: ActionLookup, where: HttpLookup) -> LookupBackend:
        try:
            target = self._target_of(origin_of(where.url) + "/")
        except Invalid as refused:
            raise Unusable(f"Look-up {lookup.name}: {refused}") from None
        proof = None if where.credential is None else self._proofs.of(where.credential)
        origin = self._origins.origin(target, lookup.at_once, where.answer_kib << 10)
        return HttpSource(where, origin, proof, self._now_s)

    def _sql(self, lookup: ActionLookup, where: SqlLookup) -> LookupBackend:
        connection = self._connections.get(where.connection)
        if connection is None or connection.kind != SQL_TYPE.name:
            got = "no connection" if connection is None else f"one of type {connection.kind}"
            raise Unusable(
                f"Look-up {lookup.name}: {where.connection} must be a connection of type "
                f"{SQL_TYPE.name}; there is {got} of that name. Declare it, or name another one."
            )
        try:
            with comes_with(EXTRA):
                from tidings.connections.postgresql_lines import PostgresqlPool  # noqa: PLC0415
                from tidings.lookups.sql import SqlSource  # noqa: PLC0415
        except ConnectionDown as missing:
            raise Unusable(f"Look-up {lookup.name}: {missing}") from None
        if (lines := self._lines.get(connection.name)) is None:
            most = connection.admits(LINES_MAX, LINES_USUAL)
            lines = self._lines[connection.name] = PostgresqlPool(connection, most, read_only=True)
        return SqlSource(where, lines)
