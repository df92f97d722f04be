"""The states of look-up lists that are in force, as rows of sealed bytes."""

from collections.abc import Sequence

from tidings.store import port
from tidings.store.sql.answers import answers
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.row_mapping import StoredTable

_LIST = StoredTable("kept_list", port.KeptList)
_PIECE = StoredTable("list_piece", port.ListPiece)

_OF_LIST = f"{_LIST.select} WHERE name = ?"
_NAMES = "SELECT name FROM kept_list"
_FORGET = "DELETE FROM kept_list WHERE name = ?"
_PUT_LIST = _LIST.upsert("name")
_PUT_PIECE = _PIECE.upsert("list", "run", "piece")
_SEALED = "SELECT sealed FROM list_piece WHERE list = ? AND run = ? AND piece = ?"
_COUNT = "SELECT count(*) FROM list_piece WHERE list = ? AND run = ? AND piece BETWEEN 1 AND ?"
_LOOSE = (
    "SELECT p.list, p.run, p.piece FROM list_piece p WHERE NOT EXISTS"
    " (SELECT 1 FROM kept_list k WHERE k.name = p.list AND k.run = p.run) LIMIT ?"
)
_DROP = "DELETE FROM list_piece WHERE list = ? AND run = ? AND piece = ?"


class KeptListRows:
    """Shares the writer's connection: what a start reads is in order with what is written."""

    def __init__(self, connection: StoreConnection) -> None:
        self._connection = connection

    @answers(port.Store.kept_list)
    def read(self, name: str) -> port.KeptList | None:
        row = self._connection.execute(_OF_LIST, (name,)).fetchone()
        return None if row is None else _LIST.read(row)

    @answers(port.Store.list_piece)
    def read_piece(self, list: str, run: str, piece: int) -> bytes | None:
        row = self._connection.execute(_SEALED, (list, run, piece)).fetchone()
        return None if row is None else row[0]

    @answers(port.Store.put_list_piece)
    def put_piece(self, piece: port.ListPiece) -> None:
        with self._connection:
            self._connection.execute(_PUT_PIECE, _PIECE.write(piece))

    @answers(port.Store.put_kept_list)
    def put(self, kept: port.KeptList) -> bool:
        with self._connection:
            of_it = (kept.name, kept.run, kept.pieces)
            [(count,)] = self._connection.execute(_COUNT, of_it).fetchall()
            if count == kept.pieces:
                self._connection.execute(_PUT_LIST, _LIST.write(kept))
        return bool(count == kept.pieces)

    @answers(port.Store.forget_lists)
    def forget(self, but: Sequence[str]) -> None:
        with self._connection:
            names = {name for (name,) in self._connection.execute(_NAMES).fetchall()}
            gone = [(name,) for name in sorted(names.difference(but))]
            self._connection.executemany(_FORGET, gone)

    @answers(port.Store.drop_list_pieces)
    def drop_pieces(self, most: int) -> bool:
        with self._connection:
            loose = self._connection.execute(_LOOSE, (most,)).fetchall()
            self._connection.executemany(_DROP, loose)
        return len(loose) == most
