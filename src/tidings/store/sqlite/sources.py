"""Sources as rows, and what they have put aside."""

from collections.abc import Callable, Sequence
from typing import Any

import apsw
import msgspec

from tidings.store import port
from tidings.store.sqlite.answers import answers
from tidings.store.sqlite.numbered_pages import numbered_page

_SOURCE = "number, org, name, sealed, created_ms, changed_ms"
_ASIDE = "number, source, at_ms, place, code, reason, field, headers, body"
_ONE = f"SELECT {_ASIDE} FROM aside"
# Of a name that is there already nobody has heard: the answer was lost.
_ANEW = "DO UPDATE SET sealed = excluded.sealed, changed_ms = excluded.changed_ms"
_KEEP = (
    "INSERT INTO aside (source, at_ms, place, code, reason, field, headers, body)"
    " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE EXISTS (SELECT 1 FROM source WHERE number = ?1)"
)
_WHY = "UPDATE aside SET code = ?, reason = ?, field = ? WHERE source = ? AND number = ?"
_SUM = "SELECT source, count(*), sum(length(body)) FROM aside"
_headers = msgspec.json.Decoder(list[tuple[str, str]])


class SourceRows:
    """Shares the writer's connection."""

    def __init__(self, connection: apsw.Connection, clock_ms: Callable[[], int]) -> None:
        self._connection = connection
        self._run: Callable[..., Any] = connection.execute
        self._clock_ms = clock_ms

    @answers(port.Store.load_sources)
    def load(self) -> list[port.StoredSource]:
        """See `port.SourceStore.load_sources`."""
        rows = self._run(f"SELECT {_SOURCE} FROM source ORDER BY number").fetchall()
        return [port.StoredSource(*row) for row in rows]

    @answers(port.Store.aside_sums)
    def sums(self) -> list[port.AsideSum]:
        """See `port.SourceStore.aside_sums`."""
        return [port.AsideSum(*row) for row in self._run(f"{_SUM} GROUP BY source").fetchall()]

    @answers(port.Store.put_source)
    def put(self, source: port.StoredSource) -> port.StoredSource:
        """See `port.SourceStore.put_source`."""
        now = self._clock_ms()
        given = msgspec.structs.replace(source, created_ms=source.created_ms or now, changed_ms=now)
        number, *rest = msgspec.structs.astuple(given)
        with self._connection:
            [(stored,)] = self._run(
                f"INSERT INTO source ({_SOURCE}) VALUES (?, ?, ?, ?, ?, ?)"
                f" ON CONFLICT (number) {_ANEW} ON CONFLICT (org, name) {_ANEW} RETURNING number",
                (number or None, *rest),
            ).fetchall()
        return msgspec.structs.replace(given, number=stored)

    @answers(port.Store.drop_source)
    def drop(self, number: int) -> None:
        """See `port.SourceStore.drop_source`."""
        with self._connection:
            self._run("DELETE FROM source WHERE number = ?", (number,))
            self._run("DELETE FROM aside WHERE source = ?", (number,))

    @answers(port.Store.put_aside)
    def put_aside(self, messages: Sequence[port.AsideMessage]) -> None:
        """See `port.SourceStore.put_aside`."""
        with self._connection:
            for one in messages:
                if one.number:
                    self._run(_WHY, (one.code, one.reason, one.field, one.source, one.number))
                else:
                    _, *rest = msgspec.structs.astuple(one)
                    rest[6] = msgspec.json.encode(one.headers)
                    self._run(_KEEP, rest)

    @answers(port.Store.drop_aside)
    def drop_aside(self, source: int, numbers: Sequence[int]) -> port.AsideSum:
        """See `port.SourceStore.drop_aside`."""
        with self._connection:
            for number in numbers:
                self._run("DELETE FROM aside WHERE source = ? AND number = ?", (source, number))
            row = self._run(f"{_SUM} WHERE source = ? GROUP BY source", (source,)).fetchone()
        return port.AsideSum(*row) if row else port.AsideSum(source, 0, 0)


class AsideReader:
    """What was put aside, on the read-only connection."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._run: Callable[..., Any] = connection.execute

    @answers(port.Store.aside)
    def page(
        self, source: int, before: int | None, after: int | None, limit: int
    ) -> port.AsidePage:
        """See `port.SourceStore.aside`."""
        rows, older, newer = numbered_page(
            self._run, f"{_ONE} WHERE source = ?", source, before, after, limit, body=8
        )
        return port.AsidePage([_message(row) for row in rows], older, newer)

    @answers(port.Store.aside_message)
    def one(self, source: int, number: int) -> port.AsideMessage | None:
        """See `port.SourceStore.aside_message`."""
        row = self._run(f"{_ONE} WHERE source = ? AND number = ?", (source, number)).fetchone()
        return None if row is None else _message(row)


def _message(row: Sequence[Any]) -> port.AsideMessage:
    number, source, at_ms, place, code, reason, field, headers, body = row
    return port.AsideMessage(
        number, source, at_ms, place, code, reason, field, _headers.decode(headers), body
    )
