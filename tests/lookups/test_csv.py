"""Look-ups in files: what a file may be, and files that change, break and lie."""

import asyncio
import csv as csv_writing
import gc
import io
import os
import tempfile
import threading
import tracemalloc
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lookups.csv_file import OLD_S, File
from tidings.lookups import csv, csv_table
from tidings.lookups.port import LookupDown

READ = {
    "plain": ("id,name\n1,Asha\n2,Ben\n", {"id": "1", "name": "Asha"}),
    "no end": ("id,name\n2,Ben\n1,Asha", {"id": "1", "name": "Asha"}),
    "crlf": ("id,name\r\n1,Asha\r\n2,Ben\r\n", {"id": "1", "name": "Asha"}),
    "crlf without end": ("id,name\r\n2,Ben\r\n1,Asha\r", {"id": "1", "name": "Asha"}),
    "byte order mark": ("\ufeffid,name\n1,Asha\n", {"id": "1", "name": "Asha"}),
    "semicolons": ("id;name\n1;Asha, B\n", {"id": "1", "name": "Asha, B"}),
    "tabs": ("id\tname\n1\tAsha; B, C\n", {"id": "1", "name": "Asha; B, C"}),
    "delimiter in the first line": (
        'id;"a,b,c";n\n1;x;y\n',
        {"id": "1", "a,b,c": "x", "n": "y"},
    ),
    "quotes": ('id,name\n1,"Asha ""A"", B"\n', {"id": "1", "name": 'Asha "A", B'}),
    "quoted key": ('id,name\n"1","Asha"\n', {"id": "1", "name": "Asha"}),
    "quoted names": ('"id","name"\n1,Asha\n', {"id": "1", "name": "Asha"}),
    "line end in a field": (
        'id,name\n1,"Asha\nB\r\nC"\n2,D\n',
        {"id": "1", "name": "Asha\nB\r\nC"},
    ),
    "empty fields": ('id,name,x\n1,,""\n', {"id": "1", "name": "", "x": ""}),
    "empty lines": ("id,name\n\n\r\n1,Asha\n\n", {"id": "1", "name": "Asha"}),
    "no key": ("id,name\n,Nobody\n1,Asha\n", {"id": "1", "name": "Asha"}),
    "one column": ("id\n1\n", {"id": "1"}),
    "key last": ("name,id\nAsha,1\n", {"id": "1", "name": "Asha"}),
    "any sign": ("id,name\n1,Zoë 你好 🎉\n", {"id": "1", "name": "Zoë 你好 🎉"}),
    "spaces stay": ("id, name\n1, Asha \n", {"id": "1", " name": " Asha "}),
}


@pytest.mark.parametrize(("text", "record"), READ.values(), ids=READ)
async def test_a_file_is_read_as_it_is_written(
    file: File, text: str, record: dict[str, str]
) -> None:
    file.holds(text)
    assert await file.source.check() is None
    assert await file.find("1") == record
    assert await file.find("") is None and await file.find("3") is None


async def test_of_lines_with_one_key_the_last_counts_and_that_is_said(file: File) -> None:
    file.holds('id,name\n1,Asha\n2,Ben\n"1",Ann\n1,Amy\n')
    assert "2 lines come before another one" in str(await file.source.check())
    assert await file.find("1") == {"id": "1", "name": "Amy"}
    assert await file.find("2") == {"id": "2", "name": "Ben"}


BROKEN = {
    "no column": ("name,mail\n1,secret@x\n", "must name the column id"),
    "empty": ("", "must have a name for each column"),
    "blank first line": ("\nid,name\n", "must have a name for each column"),
    "one name twice": ("id,id\n1,2\n", "each once"),
    "ragged": ("id,name\n1,Asha\n2,secret,x\n3\n4,D\n", "lines 3, 4 have another number"),
    "one ragged": ("id,name\n\n1,Asha\n2\n", "line 4 have another number"),
    "ragged by quotes": ('id,name\n1,"a\nb"\n2,"secret",x\n', "line 4 have"),
    "many ragged": ("id,name\n" + "secret\n" * 50, "lines 2, 3, 4, 5, 6 and more have"),
    "quote without end": ('id,name\n1,Asha\n2,"secret\n3,C\n', "the one of line 3 does not"),
    "quote within": ('id,name\n1,secret"x"\n2,"a"b\n', "one of line 3 does not"),
    "long line": ("id,name\n1,Asha\n2," + "secret" * 3000 + "\n", "line 3 has more"),
    "swallowing quote": ('id,name\n1,"' + "secret\n" * 5000, "line 2 has more"),
    "not utf-8": (b"id,name\n1,Asha\n2,secret\xff\n", "line 3 is not"),
    "latin-1": ("id,name\n1,Zoë\n".encode("latin-1"), "line 2 is not"),
    "utf-16": ("id,name\n1,secret\n".encode("utf-16"), "line 1 is not"),
    "line ends of old": ("id,name\r1,secret\r2,Asha\r", "must end with LF or CRLF"),
    "utf-16 without a mark": ("id,name\n1,secret\n".encode("utf-16-le"), "must name the column id"),
    "only a mark": ("\ufeff", "must have a name for each column"),
    "zip": (b"PK\x03\x04\x14\x00\xff\xfe", "must be a text in UTF-8"),
}


@pytest.mark.parametrize(("text", "words"), BROKEN.values(), ids=BROKEN)
async def test_a_broken_file_is_told_by_its_lines_and_not_by_what_is_in_it(
    file: File, text: str | bytes, words: str
) -> None:
    said = await file.fault(text)
    assert words in said and said.startswith("The file contacts.csv cannot be used.")
    assert "secret" not in said and "Asha" not in said
    with pytest.raises(LookupDown) as down:
        await file.find("1")
    assert down.value.reason == said


@pytest.mark.parametrize(("text", "words"), BROKEN.values(), ids=BROKEN)
async def test_a_broken_file_leaves_the_earlier_one_in_force(
    file: File, text: str | bytes, words: str
) -> None:
    file.holds("id,name\n1,Asha\n")
    assert await file.find("1") == {"id": "1", "name": "Asha"}
    file.holds(text)
    await file.looked_at()
    assert await file.find("1") == {"id": "1", "name": "Asha"}
    said = str(await file.source.check())
    assert words in said and said.endswith("Its earlier state is in force.")
    file.holds("id,name\n1,Ann\n")
    await file.looked_at()
    assert await file.find("1") == {"id": "1", "name": "Ann"}
    assert await file.source.check() is None


async def test_a_file_that_is_not_there_is_told_and_read_when_it_comes(file: File) -> None:
    assert "must be there; it is not" in str(await file.source.check())
    with pytest.raises(LookupDown, match="must be there"):
        await file.find("1")
    file.holds("id,name\n1,Asha\n")
    file.passed.s += 1.1
    with pytest.raises(LookupDown):
        await file.find("1", 0)
    assert await file.find("1") == {"id": "1", "name": "Asha"}


async def test_a_file_that_goes_away_stays_in_force(file: File) -> None:
    file.holds("id,name\n1,Asha\n")
    await file.find("1")
    file.path.unlink()
    await file.looked_at()
    assert await file.find("1") == {"id": "1", "name": "Asha"}
    assert "must be there" in str(await file.source.check())


@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "shut"])
async def test_what_is_no_file_is_not_read(file: File, kind: str) -> None:
    if kind == "folder":
        file.path.mkdir()
    elif kind == "pipe":
        os.mkfifo(file.path)
    elif kind == "device":
        file.path.symlink_to("/dev/zero")
    else:
        file.path.symlink_to(file.path)  # for ever
    said = str(await file.source.check())
    assert "contacts.csv" in said and said.endswith(".")


async def test_a_file_that_was_replaced_or_written_anew_is_taken_as_a_whole(file: File) -> None:
    for number, by_rename in enumerate([True, False, True, False]):
        file.holds(f"id,name\n1,Name {number}\n", by_rename=by_rename)
        await file.looked_at()
        assert await file.find("1") == {"id": "1", "name": f"Name {number}"}


async def test_who_asks_after_a_while_is_told_what_the_file_has_by_now(file: File) -> None:
    file.holds("id,opted_out\n1,no\n")
    assert await file.find("1") == {"id": "1", "opted_out": "no"}
    file.holds("id,opted_out\n1,yes\n")
    file.passed.s += 3600
    found = await asyncio.gather(*(file.find("1") for _ in range(3)))
    assert found == [{"id": "1", "opted_out": "yes"}] * 3
    file.holds("id,opted_out\n1,broken,\n")
    file.passed.s += 3600
    assert await file.find("1") == {"id": "1", "opted_out": "yes"}


async def test_a_change_is_seen_though_size_and_time_are_as_they_were(file: File) -> None:
    """As tools leave it that keep the times of what they copy."""
    for opted_out in ("no ", "yes", "no ", "yes"):
        file._states = 0
        file.holds(f"id,out\n1,{opted_out}\n", by_rename=False)
        file.passed.s += 3600
        assert await file.find("1") == {"id": "1", "out": opted_out}


class Slow:
    """Reading that goes on until it may end."""

    def __init__(self, file: File, monkeypatch: pytest.MonkeyPatch) -> None:
        self.may_end = threading.Event()
        read = file.source._read

        def slowly(stop: threading.Event) -> Any:
            self.may_end.wait(60)
            return read(stop)

        monkeypatch.setattr(file.source, "_read", slowly)


async def test_whoever_asks_after_a_while_is_put_off_while_a_changed_file_is_read(
    file: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may take longer than a question: nobody is written to who has opted out meanwhile."""
    file.holds("id,out\n1,no\n")
    assert await file.find("1") == {"id": "1", "out": "no"}
    slow = Slow(file, monkeypatch)
    file.holds("id,out\n1,yes\n")
    file.passed.s += 3600
    for _ in range(3):
        with pytest.raises(LookupDown, match="It is being read"):
            await file.find("1", 0.05)
        file.passed.s += 1.1
    slow.may_end.set()
    assert await file.find("1") == {"id": "1", "out": "yes"}


async def test_a_change_that_is_not_read_in_a_minute_is_waited_for_though_many_ask(
    file: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.holds("id,out\n1,no\n")
    await file.find("1")
    slow = Slow(file, monkeypatch)
    file.holds("id,out\n1,yes\n")
    for _ in range(50):
        file.passed.s += 1.1
        assert await file.find("1", 0.05) == {"id": "1", "out": "no"}, "nobody waits"
    file.passed.s += 10
    with pytest.raises(LookupDown, match="It is being read"):
        await file.find("1", 0.05)
    slow.may_end.set()
    assert await file.find("1") == {"id": "1", "out": "yes"}


async def test_a_file_that_is_written_all_the_time_is_told_and_its_last_whole_state_holds(
    file: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv, "WRITTEN_MAX_S", 2.0)
    file.holds("id,name\n1,Asha\n")
    await file.find("1")

    async def write() -> None:
        while True:
            with file.path.open("a") as out:
                out.write("2,Ben\n")
            await asyncio.sleep(0.02)

    writing = asyncio.create_task(write())
    await asyncio.sleep(0.1)
    file.passed.s += 1.1
    try:
        async with asyncio.timeout(60):
            said = str(await file.source.check())
    finally:
        writing.cancel()
    assert "must be still for a second" in said and said.endswith("Its earlier state is in force.")
    monkeypatch.setattr(csv, "WRITTEN_MAX_S", 300.0)  # whoever waits for it is put off
    for _ in range(5):
        assert await file.find("1") == {"id": "1", "name": "Asha"}
    monkeypatch.setattr(csv, "WRITTEN_MAX_S", 2.0)
    file.passed.s += 1.1
    assert await file.source.check() is not None, "there are two with one key"
    assert await file.find("2") == {"id": "2", "name": "Ben"}


async def test_it_is_looked_at_once_a_second_at_most(
    file: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.holds("id,name\n1,Asha\n")
    await file.find("1")
    looks = 0

    async def follow(stop: Any) -> None:
        nonlocal looks
        looks += 1

    monkeypatch.setattr(file.source, "_follow", follow)
    for _ in range(100):
        await file.find("1")
        await asyncio.sleep(0)
    assert looks == 0
    file.passed.s += 1.0
    for _ in range(100):
        await file.find("1")
        await asyncio.sleep(0)
    assert looks == 1


async def test_a_broken_file_is_read_once_and_not_at_each_question(
    file: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    await file.fault("name\nx\n")
    monkeypatch.setattr(file.source, "_read", lambda stop: pytest.fail("read again"))
    for _ in range(3):
        file.passed.s += 1.1
        with pytest.raises(LookupDown):
            await file.find("1")
        assert file.source._looking is not None
        await file.source._looking


async def test_a_file_that_is_being_written_is_not_read_before_it_is_still(file: File) -> None:
    file.holds("id,name\n1,Asha\n")
    await file.find("1")

    async def write() -> None:
        with file.path.open("w") as out:
            out.write("id,name\n")
            for number in range(15):
                out.write(f"{number},New\n")
                out.flush()
                await asyncio.sleep(0.1)

    writing = asyncio.create_task(write())
    await asyncio.sleep(0.05)
    file.passed.s += 1.1
    while not writing.done():
        assert await file.find("1") == {"id": "1", "name": "Asha"}, "half of it is not taken"
        await asyncio.sleep(0.02)
    assert file.source._looking is not None
    await file.source._looking
    assert await file.find("14") == {"id": "14", "name": "New"}


async def test_questions_go_on_while_a_file_is_replaced(file: File) -> None:
    """A thousand keys, each with the number of the state: no answer is of two states."""

    def state(number: int) -> str:
        return "id,state,again\n" + "".join(f"{key},{number},{number}\n" for key in range(1000))

    file.holds(state(0))
    await file.find("1")
    for number in range(1, 8):
        file.holds(state(number))
        file.passed.s += 1.1
        states = {""}
        while states != {str(number)}:
            states = set()
            for key in range(0, 1000, 25):
                record = await file.find(key)
                assert record["state"] == record["again"] and record["id"] == str(key)
                assert record["state"] in (str(number - 1), str(number))
                states.add(record["state"])
            await asyncio.sleep(0.001)


async def test_a_close_ends_the_reading(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    file.holds("id,name\n" + "".join(f"{key},x\n" for key in range(300_000)))
    read, begun, ended = file.source._read, threading.Event(), list[Any]()

    def reading(stop: threading.Event) -> Any:
        begun.set()
        assert stop.wait(60)
        ended.append(read(stop).table)

    monkeypatch.setattr(file.source, "_read", reading)
    asking = asyncio.create_task(file.find("1", 100.0))
    await asyncio.to_thread(begun.wait)
    await file.source.close()
    with pytest.raises(LookupDown, match="being read"):
        await asking
    while not ended:
        await asyncio.sleep(0.001)
    assert ended == [None], "it is given up on its way"
    monkeypatch.undo()
    assert await file.find("1", 100.0) == {"id": "1", "name": "x"}


async def test_bounds_hold_and_are_told(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_table, "LINES_MAX", 5)
    assert "at most 5 lines; it has 6" in await file.fault("id\n" + "1\n" * 6)
    monkeypatch.setattr(csv_table, "FILE_BYTES_MAX", 1 << 20)
    assert "at most 1 MB; it has 3" in await file.fault("id\n" + "x" * 3_000_000)


async def test_a_sparse_file_of_a_terabyte_costs_nothing(file: File) -> None:
    with file.path.open("wb") as out:
        out.truncate(1 << 40)
    os.utime(file.path, (OLD_S, OLD_S))
    began = process_time()
    assert "at most 200 MB" in str(await file.source.check())
    assert process_time() - began < 1.0


def a_large_file(lines: int) -> str:
    return "id,name,email,zone\n" + "".join(
        f"{key},Asha {key},asha{key}@brand.example,Europe/Berlin\n" for key in range(lines)
    )


async def test_half_a_million_lines_do_not_hold_up_the_loop(file: File) -> None:
    file.holds(a_large_file(500_000))
    lags: list[float] = []

    async def tick() -> None:
        while True:
            began = perf_counter()
            await asyncio.sleep(0.001)
            lags.append(perf_counter() - began - 0.001)

    ticking = asyncio.create_task(tick())
    while len(lags) < 300:
        await asyncio.sleep(0.001)
    at_rest, lags[:] = sorted(lags), []
    assert await file.source.check() is None
    ticking.cancel()
    lags.sort()
    assert len(lags) > 300, "the loop had its turns"
    for part, most_s in ((0.5, 0.003), (0.95, 0.02)):  # and what it waits for on a machine at rest
        at_most_s = most_s + 3 * at_rest[int(len(at_rest) * part)]
        assert lags[int(len(lags) * part)] < at_most_s, part
    record = await file.find(499_999)
    assert record is not None and record["email"] == "asha499999@brand.example"


async def test_memory_is_that_of_the_file_and_24_bytes_a_line(file: File) -> None:
    lines = 40_000
    text = a_large_file(lines)
    file.holds(text)
    size = file.path.stat().st_size
    del text
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    table = await asyncio.to_thread(
        lambda: csv_table.CsvTable(csv_table.read_file(file.path), "id", threading.Event())
    )
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert table.lines == lines
    assert after - before < size + 24 * lines + 100_000


async def test_keys_whose_hashes_meet_are_told_apart(
    file: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_table, "hash", lambda key: 7, raising=False)
    file.holds("id,name\n" + "".join(f"{key},Name {key}\n" for key in range(200)))
    assert await file.source.check() is None
    for key in range(200):
        assert await file.find(key) == {"id": str(key), "name": f"Name {key}"}
    assert await file.find("200") is None


FIELDS = st.text(st.sampled_from("ab1 ,;\t\"'\r\n\u00e9\u4f60\U0001f389\u2028\0"), max_size=8)


@given(
    st.lists(st.tuples(FIELDS, FIELDS, FIELDS), max_size=12),
    st.sampled_from(",;\t"),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv_writing.QUOTE_MINIMAL, csv_writing.QUOTE_ALL]),
    st.booleans(),
    st.integers(0, 2),
)
def test_whatever_people_write_is_found_as_another_reader_reads_it(
    rows: list[tuple[str, ...]],
    delimiter: str,
    end: str,
    quoting: Any,
    marked: bool,
    key: int,
) -> None:
    names = ("one", "two", "three")
    if any("\r" in field for row in rows for field in row):
        quoting = csv_writing.QUOTE_ALL  # else Python's writer leaves it bare
    out = io.StringIO(newline="")
    csv_writing.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(
        [names, *rows]
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "any.csv"
        path.write_bytes(out.getvalue().encode("utf-8-sig" if marked else "utf-8"))
        table = csv_table.CsvTable(csv_table.read_file(path), names[key], threading.Event())
    last = {row[key]: dict(zip(names, row, strict=True)) for row in rows if row[key]}
    for wanted, record in last.items():
        assert table.find(wanted) == record
    assert table.lines == len(last)
    assert table.lines + table.repeated == sum(bool(row[key]) for row in rows)
    for other in ("", "nobody", "one", delimiter, '"', "\r", "\n"):
        assert table.find(other) == last.get(other)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        (b"id,name\n1,a\n2,b,c\n", 3, 5),
        (b"id,name\n1,a\n\n22\n", 4, 3),
        (b'id,name\n"a,b",x,y\n', 2, 9),
        (b"id,name\n1,\xc3\xa9\xff\n", 2, 4),
        (b'id,name\n1,a\n2,b"c\n', 3, 4),
        (b'id,name\n1,"a"b\n', 2, 5),
        (b"id,id\n1,2\n", 1, 4),
        (b"id,\n1,2\n", 1, 4),
        (b"nr,name\n1,2\n", 1, 1),
        (b"id,name\r1,a\r", 1, 8),
    ],
)
def test_a_fault_has_its_line_and_column(text: bytes, line: int, column: int) -> None:
    with pytest.raises(csv_table.FileUnfit) as unfit:
        csv_table.CsvTable(text, "id", threading.Event())
    assert (unfit.value.line, unfit.value.column) == (line, column)
