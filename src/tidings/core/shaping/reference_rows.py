"""A bulk load, read while it comes: bytes in, records and row errors out, in bounded memory.

Pure. NDJSON has one object a line, with its `id`. CSV has a header line; cells are fields of the
record, `cardNumbers` are separated by `;`, and a column `source.account.type` (such as
`wechat.brand.unionId`) holds one id of a customer in that source. A row that does not fit is told
with its line and left out; the others are kept.
"""

import csv
import io
from collections.abc import Iterator
from typing import Any, Protocol

import msgspec

from tidings.core.shaping.reference_rules import (
    RecordKind,
    RecordRefused,
    read_id,
    read_record,
    unknown_fields,
)
from tidings.errors import FieldRefusal, Invalid
from tidings.values import describe_value

LINE_BYTES_MAX = 64 * 1024
COLUMNS_MAX = 200
_BOM = b"\xef\xbb\xbf"


class ParsedReferenceRow(msgspec.Struct, frozen=True):
    """A record that fits."""

    line: int  # where it stands, from 1
    id: str
    value: bytes


class RowError(msgspec.Struct, frozen=True):
    """A row that does not."""

    line: int
    refusal: FieldRefusal


class LoadRefused(Invalid):
    """Nothing of the rest can be read; the text says why."""

    def __init__(self, message: str) -> None:
        super().__init__(FieldRefusal("bad_load", message, ""))


class LineSplitter:
    """Cuts chunks into lines. A line that is too long comes as None, once."""

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False

    def feed(self, chunk: bytes) -> Iterator[bytes | None]:
        """Yield the lines that are complete with this chunk; None for one that is too long."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            if self._skipping:
                self._skipping = False
            else:
                yield line if len(line) <= LINE_BYTES_MAX else None
        if len(self._rest) > LINE_BYTES_MAX:
            self._rest = b""
            if not self._skipping:
                self._skipping = True
                yield None

    def end(self) -> Iterator[bytes]:
        """Yield the last line, if it has no end of its own."""
        if self._rest and not self._skipping:
            yield self._rest


class RowFormat(Protocol):
    """A format."""

    def line(self, number: int, text: bytes) -> ParsedReferenceRow | RowError | None:
        """Read a line; None where it holds nothing. LoadRefused ends the load."""
        ...

    def end(self, number: int) -> RowError | None:
        """Return what is missing at the end."""
        ...


class ReferenceLoadReader:
    """One load: chunks in, rows out."""

    def __init__(self, rows: RowFormat) -> None:
        self._rows = rows
        self._lines = LineSplitter()
        self._number = 0

    def feed(self, chunk: bytes) -> Iterator[ParsedReferenceRow | RowError]:
        """Yield the rows, and the errors of rows, that are complete with this chunk."""
        for line in self._lines.feed(chunk):
            yield from self._take(line)

    def end(self) -> Iterator[ParsedReferenceRow | RowError]:
        """Yield the rest, and an error if the load lacks something as a whole."""
        for line in self._lines.end():
            yield from self._take(line)
        if (missing := self._rows.end(self._number)) is not None:
            yield missing

    def _take(self, line: bytes | None) -> Iterator[ParsedReferenceRow | RowError]:
        self._number += 1
        if line is None:
            yield _too_long(self._number)
            return
        if self._number == 1:
            line = line.removeprefix(_BOM)
        if (row := self._rows.line(self._number, line)) is not None:
            yield row


class Records:
    """Rules that both formats share: an object becomes a record; unknown fields are remembered."""

    def __init__(self, kind: RecordKind) -> None:
        self.kind = kind
        self.ignored: dict[str, None] = {}

    def _record(self, number: int, value: dict[str, Any]) -> ParsedReferenceRow | RowError:
        try:
            id = read_id(value.get("id"))
            kept = read_record(self.kind, value)
        except RecordRefused as refused:
            return RowError(number, refused.reason)
        if len(self.ignored) < 20:
            for field in unknown_fields(self.kind, value):
                self.ignored[field[:64]] = None
        return ParsedReferenceRow(number, id, kept)


class NdjsonRows(Records):
    """One JSON object a line."""

    def line(self, number: int, text: bytes) -> ParsedReferenceRow | RowError | None:
        """See `RowFormat`."""
        if not text.strip():
            return None
        try:
            value = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            value = None
        if not isinstance(value, dict):
            got = "something else" if value is None else describe_value(value)
            return _bad(number, "bad_json", f"A line must be one JSON object; got {got}.")
        return self._record(number, value)

    def end(self, number: int) -> RowError | None:
        """See `RowFormat`."""
        return None


class CsvRows(Records):
    """A header, then one record a row. Quoted cells may hold line ends (RFC 4180)."""

    def __init__(self, kind: RecordKind) -> None:
        super().__init__(kind)
        self._columns: list[str] | None = None
        self._open = b""  # the beginning of a row whose quotes are not closed yet
        self._began = 0

    def line(self, number: int, text: bytes) -> ParsedReferenceRow | RowError | None:
        """See `RowFormat`."""
        if not self._open:
            self._began = number
        whole = self._open + text
        if whole.count(b'"') % 2:
            self._open = whole + b"\n"
            if len(self._open) > LINE_BYTES_MAX:
                raise LoadRefused(
                    f"A row must be at most {LINE_BYTES_MAX} bytes; got more from line "
                    f"{self._began} on. Close its quotes."
                )
            return None
        self._open = b""
        if not whole.strip():
            return None
        cells = _cells(whole)
        if self._columns is None:
            self._columns = self._header(cells)
            return None
        if cells is None:
            return _bad(self._began, "bad_csv", "A row must be CSV in UTF-8; got something else.")
        if len(cells) != len(self._columns):
            return _bad(
                self._began,
                "bad_csv",
                f"A row must contain {len(self._columns)} cells, as the header does; got "
                f"{len(cells)}. Put quotes around cells that hold commas.",
            )
        return self._record(self._began, self._object(cells))

    def end(self, number: int) -> RowError | None:
        """See `RowFormat`."""
        if not self._open:
            return None
        return _bad(self._began, "bad_csv", "A row must close its quotes; got the file's end.")

    def _header(self, cells: list[str] | None) -> list[str]:
        names = [cell.strip() for cell in cells or ()]
        if "id" not in names or len(set(names)) != len(names) or len(names) > COLUMNS_MAX:
            raise LoadRefused(
                f"The first line must name the columns, id among them, each once and at most "
                f"{COLUMNS_MAX}; got {describe_value(', '.join(names))}. Write id,mobile,email."
            )
        return names

    def _object(self, cells: list[str]) -> dict[str, Any]:
        assert self._columns is not None
        found: dict[str, Any] = {}
        for column, cell in zip(self._columns, cells, strict=True):
            if not cell:
                continue
            if column == "cardNumbers":
                found[column] = [card.strip() for card in cell.split(";") if card.strip()]
            elif column == "pointsBalance":
                found[column] = _number(cell)
            elif self.kind is RecordKind.CUSTOMERS and column.count(".") == 2:
                _put_identifier(found, column, cell)
            else:
                found[column] = cell
        return found


def reader(kind: RecordKind, content_type: str) -> tuple[ReferenceLoadReader, Records] | None:
    """Return the reader of a content type, and what remembers the fields that it leaves out; None
    for a type that is not read here."""
    plain = content_type.partition(";")[0].strip().lower()
    if plain in ("application/x-ndjson", "application/ndjson"):
        ndjson = NdjsonRows(kind)
        return ReferenceLoadReader(ndjson), ndjson
    if plain == "text/csv":
        rows = CsvRows(kind)
        return ReferenceLoadReader(rows), rows
    return None


def _cells(row: bytes) -> list[str] | None:
    try:
        text = row.decode().removesuffix("\r")
        return next(csv.reader(io.StringIO(text, newline=""), strict=True), None)
    except (UnicodeDecodeError, csv.Error):
        return None


def _number(cell: str) -> object:
    try:
        value = msgspec.json.decode(cell)
    except msgspec.DecodeError:
        return cell
    return value if type(value) in (int, float) else cell


def _put_identifier(found: dict[str, Any], column: str, cell: str) -> None:
    source, account_id, kind = column.split(".")
    accounts = found.setdefault("sources", {}).setdefault(source, {"accounts": []})["accounts"]
    for account in accounts:
        if account["accountId"] == account_id:
            break
    else:
        account = {"accountId": account_id, "identifiers": []}
        accounts.append(account)
    account["identifiers"].append({"identifierType": kind, "identifierValue": cell})


def _too_long(line: int) -> RowError:
    sentence = f"A line must be at most {LINE_BYTES_MAX} bytes; got more. Shorten the record."
    return _bad(line, "too_large", sentence)


def _bad(line: int, code: str, sentence: str) -> RowError:
    return RowError(line, FieldRefusal.build(code, sentence, place=f"line {line}"))
