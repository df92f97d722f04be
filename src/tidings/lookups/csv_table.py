"""A CSV file in memory, searched by one column. It is read in a thread.

The file is UTF-8, with or without a byte order mark; its first line has the names of its columns,
and says by what fields are parted: comma, semicolon or tab, whichever stands there most often. The
rest is RFC 4180: a field in quotes may hold all of these, line ends, and quotes written twice.
Lines end with LF or CRLF; empty ones are passed over. Of several lines with one key the last
counts; one without a key is never found.

What is kept is the file as it is, and a hash table of the places where its lines begin, of 12 to 24
bytes a line: 200 MB with two million lines are 232 MB in all, and twice that while another state of
the file is read. A file is taken as a whole or not at all, and a fault in it is told by the numbers
of its lines, never by what stands there.
"""

import csv
import hashlib
import io
import stat
import threading
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter, sleep

from tidings.errors import RemoteError

FILE_BYTES_MAX = 200 * 1024 * 1024
LINES_MAX = 2_000_000
LINE_BYTES_MAX = 16 * 1024
FAULTS_SHOWN = 5
_BOM = b"\xef\xbb\xbf"
_DELIMITERS = (b",", b";", b"\t")
_CHUNK = 256 * 1024
_LINES_A_LOOK = 32  # at the clock
_TURN_S, _REST_S = 0.0005, 0.0005
_HASH_BITS = 0xFFFF_FFFF


class FileUnfit(RemoteError):
    """A file cannot be used. The text says why in sentences, and holds nothing of what is in it.
    `line` and `column` where that begins, in signs from 1; 0 for the file as a whole."""

    def __init__(self, message: str, line: int = 0, column: int = 1) -> None:
        super().__init__(message)
        self.line = line
        self.column = column if line else 0


class GivenUp(RemoteError):
    """Nobody wants the file any more."""


class Breath:
    """Gives the event loop its turns while a thread works, and ends the work where it is to stop:
    the interpreter runs one of the two, and would leave the thread five milliseconds each time."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._left = _LINES_A_LOOK
        self._until_s = perf_counter() + _TURN_S

    def line(self) -> None:
        """Count a line, and rest when the turn is over. Raise GivenUp if the work is to stop."""
        self._left -= 1
        if self._left == 0:
            self._left = _LINES_A_LOOK
            if perf_counter() >= self._until_s:
                self.rest()

    def rest(self) -> None:
        """Let others go on. Raise GivenUp if the work is to stop."""
        if self._stop.is_set():
            raise GivenUp
        sleep(_REST_S)
        self._until_s = perf_counter() + _TURN_S


class CsvTable:
    """One state of a file."""

    def __init__(self, data: bytes, key: str, stop: threading.Event) -> None:
        """Look through the file's bytes. Raise FileUnfit if they are no such table, GivenUp if the
        work is to stop."""
        breath = Breath(stop)
        self._data = data
        _check_text(self._data, breath)
        self._end = len(self._data)
        start = len(_BOM) if self._data[:3] == _BOM else 0
        _check_line_ends(self._data[start : start + LINE_BYTES_MAX])
        first, at = self._line(start, 1)
        self._delimiter = max(_DELIMITERS, key=lambda one: _outside_quotes(first).count(one))
        self._comma = self._delimiter.decode()
        self._columns = self._names(first)
        self._key = self._column(key)
        self.lines = 0
        """How many can be found."""
        self.repeated = 0
        """How many came before another one with the same key, and so count no more."""
        self.repeated_line = 0
        """The number of the first line with a key that stood there before; 0: there is none."""
        self._index(at, breath)

    @property
    def data(self) -> bytes:
        """The file as it is."""
        return self._data

    @property
    def columns(self) -> tuple[str, ...]:
        """The names in its first line."""
        return self._columns

    def digest(self) -> str:
        """Compute what this very state is known by. It takes a second for the largest file."""
        return hashlib.sha256(self._data).hexdigest()

    def values_where(
        self, column: str, wanted: Callable[[str], bool], most: int, stop: threading.Event
    ) -> set[str]:
        """Find at most `most` different values of a column that are `wanted`; each is asked about
        once. Raise GivenUp if the work is to stop."""
        at = self._columns.index(column)
        breath, known, found = Breath(stop), set[str](), set[str]()
        start = len(_BOM) if self._data[:3] == _BOM else 0
        _, begin = self._line(start, 1)
        for number, _, line in self._all(begin):
            breath.line()
            value = self._fields(line, number)[at]
            if value in known:
                continue
            if len(known) < most:
                known.add(value)
            if wanted(value):
                found.add(value)
                if len(found) >= most:
                    break
        return found

    def find(self, key: str) -> dict[str, str] | None:
        """Find the last line with this key, as texts by column; None if there is none."""
        try:
            wanted = key.encode()
        except UnicodeEncodeError:  # half a sign
            return None
        if not wanted:
            return None
        slot = self._slot(wanted)
        if not self._places[slot]:
            return None
        line, _ = self._line(self._places[slot] - 1, 0)
        return dict(zip(self._columns, self._fields(line, 0), strict=True))

    # -- the index --------------------------------------------------------------------------------

    def _index(self, start: int, breath: Breath) -> None:
        most = self._data.count(b"\n", start, min(self._end, start + _CHUNK))
        for at in range(start + _CHUNK, self._end, _CHUNK):
            most += self._data.count(b"\n", at, min(self._end, at + _CHUNK))
            breath.rest()
        if most > LINES_MAX:
            raise FileUnfit(
                f"It must have at most {LINES_MAX:,} lines; it has {most:,}. Leave out lines.",
                LINES_MAX + 1,
            )
        self._mask = (1 << max(3, (most * 3 // 2).bit_length())) - 1
        empty = bytes(4 * (self._mask + 1))
        # Where lines begin, and 1; and of the hash of each key the half that is no slot.
        self._places, self._hashes = array("I", empty), array("I", empty)
        odd: list[int] = []
        column = 1
        for number, at, line in self._all(start):
            breath.line()
            if line.count(self._delimiter) == len(self._columns) - 1 and b'"' not in line:
                key = line.split(self._delimiter, self._key + 1)[self._key]
            else:
                fields = self._fields(line, number)
                if len(fields) != len(self._columns):
                    if not odd:
                        column = self._end_of(line, fields)
                    odd.append(number)
                    if len(odd) > FAULTS_SHOWN:
                        break
                    continue
                key = fields[self._key].encode()
            self._put(key, at, number)
        if odd:
            raise FileUnfit(self._ragged(odd), odd[0], column)

    def _end_of(self, line: bytes, fields: list[str]) -> int:
        """Find the column of the first field too many, or of the end of a line with too few."""
        text = line.decode()
        if len(fields) < len(self._columns):
            return len(text) + 1
        count = quoted = 0
        for at, sign in enumerate(text):
            quoted ^= sign == '"'
            count += sign == self._comma and not quoted
            if count == len(self._columns):
                return at + 2
        return len(text) + 1

    def _put(self, key: bytes, at: int, number: int) -> None:
        if not key:
            return
        slot = self._slot(key)
        if self._places[slot]:
            self.repeated += 1
            self.repeated_line = self.repeated_line or number
        else:
            self.lines += 1
        self._places[slot] = at + 1
        self._hashes[slot] = (hash(key) >> 32) & _HASH_BITS

    def _slot(self, key: bytes) -> int:
        """Find the slot of a key: that of a line with it, or an empty one. The hash is another one
        in each process, so that nobody can make keys that meet."""
        whole = hash(key)
        places, hashes, mask = self._places, self._hashes, self._mask
        half, slot = (whole >> 32) & _HASH_BITS, whole & mask
        while places[slot]:
            if hashes[slot] == half and self._key_at(places[slot] - 1) == key:
                return slot
            slot = (slot + 1) & mask
        return slot

    def _key_at(self, at: int) -> bytes:
        line, _ = self._line(at, 0)
        if b'"' not in line:
            return line.split(self._delimiter, self._key + 1)[self._key]
        return self._fields(line, 0)[self._key].encode()

    def _ragged(self, odd: list[int]) -> str:
        shown = ", ".join(map(str, odd[:FAULTS_SHOWN]))
        many = "lines" if len(odd) > 1 else "line"
        more = " and more" if len(odd) > FAULTS_SHOWN else ""
        return (
            f"Each line must have {len(self._columns)} fields, as the first one has; {many} {shown}"
            f"{more} have another number. Put quotes around fields with the delimiter in them."
        )

    # -- lines ------------------------------------------------------------------------------------

    def _all(self, start: int) -> Iterator[tuple[int, int, bytes]]:
        """Yield the lines from `start` on: the number of each in the file, where it begins, and
        it."""
        number = 1 + self._data.count(b"\n", 0, start)
        at = start
        while at < self._end:
            line, after = self._line(at, number)
            if line:
                yield number, at, line
            number += 1 + line.count(b"\n") if b"\n" in line else 1
            at = after

    def _line(self, at: int, number: int) -> tuple[bytes, int]:
        """Read the line that begins at `at`, without its end; return it, and where the next one
        begins. Raise FileUnfit if it is too long, or a quote in it does not end."""
        data, until = self._data, min(self._end, at + LINE_BYTES_MAX + 2)
        end = data.find(b"\n", at, until)
        while True:
            if end < 0 and until < self._end:
                raise FileUnfit(
                    f"A line must have at most {LINE_BYTES_MAX:,} bytes; line {number} has more. "
                    "Look for a quote there that does not end.",
                    number,
                    LINE_BYTES_MAX + 1,
                )
            line = data[at : end if end >= 0 else until]
            if line.count(b'"') % 2 == 0:
                after = end + 1 if end >= 0 else until
                return (line[:-1] if line[-1:] == b"\r" else line), after
            if end < 0:
                raise FileUnfit(
                    f"Each quote must end; the one of line {number} does not. Correct the line.",
                    number,
                    len(line[: line.rfind(b'"')].decode("utf-8", "replace")) + 1,
                )
            end = data.find(b"\n", end + 1, until)

    def _fields(self, line: bytes, number: int) -> list[str]:
        text = line.decode()
        if '"' not in text:
            return text.split(self._comma)
        try:
            [fields] = csv.reader(io.StringIO(text, newline=""), delimiter=self._comma, strict=True)
        except (csv.Error, ValueError):
            raise FileUnfit(
                f"A quote must begin and end a field; one of line {number} does not. Write quotes "
                "within a field twice.",
                number,
                _odd_quote(text, self._comma),
            ) from None
        return fields

    def _names(self, first: bytes) -> tuple[str, ...]:
        names = self._fields(first, 1)
        if not all(names) or len(set(names)) != len(names):
            raise FileUnfit(
                "The first line must have a name for each column, each once; it has not. Correct "
                "it.",
                1,
                _odd_name(first.decode(), names, self._comma),
            )
        return tuple(names)

    def _column(self, key: str) -> int:
        try:
            return self._columns.index(key)
        except ValueError:
            raise FileUnfit(
                f"The first line must name the column {key}; it does not. Correct key, or the "
                "file.",
                1,
            ) from None


def read_file(path: Path) -> bytes:
    """Read all of a file. Raise OSError if it cannot be read; raise FileUnfit, without opening it,
    if it is no regular file or too large."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise FileUnfit("It must be a file; it is something else. Correct csv.")
    if found.st_size > FILE_BYTES_MAX:
        raise FileUnfit(
            f"It must have at most {FILE_BYTES_MAX >> 20} MB; it has {found.st_size / 2**20:.0f}. "
            "Leave out columns or lines."
        )
    with path.open("rb", buffering=0) as file:  # in one piece, without a copy
        return file.read(found.st_size) or b""


def _check_text(data: bytes, breath: Breath) -> None:
    """Check piece by piece that it is UTF-8. Raise FileUnfit, with the place, if it is not."""
    at = 0
    while at < len(data):
        end = min(len(data), at + _CHUNK)
        while end < len(data) and data[end] & 0xC0 == 0x80 and end > at + 1:
            end -= 1  # never within a sign
        try:
            str(memoryview(data)[at:end], "utf-8")
        except UnicodeDecodeError as error:
            number = 1 + data.count(b"\n", 0, at + error.start)
            raise FileUnfit(
                f"It must be a text in UTF-8; line {number} is not. Save it as UTF-8.",
                number,
                _column_at(data, at + error.start),
            ) from None
        at = end
        breath.rest()


def _check_line_ends(data: bytes) -> None:
    """Refuse CR alone as the end of lines: it would make one line of the whole file, the first, and
    nobody would be found."""
    first = data.split(b"\n", 1)[0][:-1]
    if b"\r" in _outside_quotes(first):
        raise FileUnfit(
            "Lines must end with LF or CRLF; the first one ends with CR alone. Save it with other "
            "line ends.",
            1,
            _column_at(data, data.find(b"\r")),
        )


def _outside_quotes(line: bytes) -> bytes:
    return b"".join(line.split(b'"')[::2])


def _column_at(data: bytes, at: int) -> int:
    """Count the signs before a place in its line, and one."""
    begin = data.rfind(b"\n", 0, at) + 1
    return len(data[begin:at].decode("utf-8", "replace")) + 1


def _odd_quote(text: str, comma: str) -> int:
    """Find the column of a quote that neither begins nor ends a field."""
    quoted = False
    for at, sign in enumerate(text):
        if sign != '"':
            continue
        begins = not quoted and (at == 0 or text[at - 1] == comma)
        ends = quoted and (at + 1 == len(text) or text[at + 1] in (comma, '"'))
        if not (begins or ends or text[at - 1 : at] == '"'):
            return at + 1
        quoted = not quoted
    return len(text) + 1


def _odd_name(first: str, names: list[str], comma: str) -> int:
    """Find the column of the first name that is empty, or that stood there before."""
    at, known = 1, set[str]()
    for name, written in zip(names, first.split(comma), strict=False):
        if not name or name in known:
            return at
        known.add(name)
        at += len(written) + 1
    return at
