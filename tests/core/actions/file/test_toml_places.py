"""Where things of a TOML document stand: everything that is parsed has a place, and it is there."""

import time
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.depth import depth
from tidings.core.actions.file.toml_places import DEPTH_MAX, Path, TomlPosition, find_places

DOCUMENT = """\
# "not" = 'a key'
org = 7
a.b . "c d" = 1
'quo.ted' = 'x'
[lookups.contact]  # [no.table]
by = \"\"\"one
[two]
three = 3 \"\"\"\"\"
"e\\n" = { x = 1, "y.z" = [ 1, { k = '''
]''' } ], }

[[acts]]
name = "a]b"
list = [ # one
  1, 2.5e3 , 1979-05-27 07:32:00,
  # , three
  ["}", '#'],
]
[[acts]]
[acts.inner]
deep = true
[[acts.more]]
[lookups]
"""


def test_each_key_and_item_has_its_line_and_column() -> None:
    document = DOCUMENT.replace(", }", " }")
    places = find_places(document)
    assert places.too_deep is None
    expected: dict[Path, TomlPosition] = {
        ("org",): TomlPosition(2, 1),
        ("a",): TomlPosition(3, 1),
        ("a", "b"): TomlPosition(3, 3),
        ("a", "b", "c d"): TomlPosition(3, 7),
        ("quo.ted",): TomlPosition(4, 1),
        ("lookups",): TomlPosition(23, 2),
        ("lookups", "contact"): TomlPosition(5, 10),
        ("lookups", "contact", "by"): TomlPosition(6, 1),
        ("lookups", "contact", "e\n"): TomlPosition(9, 1),
        ("lookups", "contact", "e\n", "x"): TomlPosition(9, 11),
        ("lookups", "contact", "e\n", "y.z", 1): TomlPosition(9, 31),
        ("lookups", "contact", "e\n", "y.z", 1, "k"): TomlPosition(9, 33),
        ("acts",): TomlPosition(12, 3),
        ("acts", 0): TomlPosition(12, 3),
        ("acts", 0, "name"): TomlPosition(13, 1),
        ("acts", 0, "list", 2): TomlPosition(15, 14),
        ("acts", 0, "list", 3, 1): TomlPosition(17, 9),
        ("acts", 1): TomlPosition(19, 3),
        ("acts", 1, "inner", "deep"): TomlPosition(21, 1),
        ("acts", 1, "more", 0): TomlPosition(22, 8),
    }
    assert {path: places[path] for path in expected} == expected
    _all_there(document)


def test_what_has_no_place_is_near_something_that_has() -> None:
    places = find_places("[a]\nb = {c = 1}\n")
    assert places.near(("a", "b", "none", 3)) == TomlPosition(2, 1)
    assert str(places.near(("none",))) == "1:1"


def test_line_ends_of_windows_move_nothing() -> None:
    unix, windows = find_places(DOCUMENT), find_places(DOCUMENT.replace("\n", "\r\n"))
    assert unix.items() == windows.items()


def _leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _leaves(inner, (*path, at))


def _all_there(document: str) -> None:
    """All that is parsed has a place, nothing else has, and each key stands at its place."""
    read, places = tomllib.loads(document), find_places(document)
    assert {path for path, _ in places.items()} == set(_leaves(read))
    lines = document.replace("\r\n", "\n").split("\n")
    for path, place in places.items():
        name = next(element for element in reversed(path) if isinstance(element, str))
        rest = lines[place.line - 1][place.column - 1 :]
        if isinstance(path[-1], str):
            assert any(rest.startswith(text) for text in _spelt(name)), (path, place, rest)
        else:
            assert rest and not rest[0].isspace(), (path, place)


def _spelt(name: str) -> list[str]:
    return [name, f"'{name}'", _basic(name), _escaped(name)]


def _basic(text: str) -> str:
    signs = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
    return '"' + "".join(signs.get(text, text) for text in text) + '"'


def _escaped(text: str) -> str:
    return '"' + "".join(f"\\U{ord(text):08x}" for text in text) + '"'


# -- documents at random --------------------------------------------------------------------------

_SIGNS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])
_TEXTS = st.text(st.one_of(st.sampled_from("a.b\"'\\[]{}=#, \n"), _SIGNS), max_size=12)
_NAMES = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True),
    st.text(st.one_of(st.sampled_from(". \"'\\[]{}=#"), _SIGNS), max_size=6),
)


@st.composite
def _key(draw: Any, name: str) -> str:
    ways = [_basic(name), _escaped(name)]
    if name and all(text.isascii() and (text.isalnum() or text in "_-") for text in name):
        ways.append(name)
    if "'" not in name:
        ways.append(f"'{name}'")
    return str(draw(st.sampled_from(ways)))


@st.composite
def _text(draw: Any) -> str:
    text = draw(_TEXTS)
    ways = [_basic(text), '"""' + text.replace("\\", "\\\\").replace('"', '\\"') + '"""']
    if "'" not in text:
        ways.append(f"'''{text}'''")
        if "\n" not in text:
            ways.append(f"'{text}'")
    if "\\" not in text and '"""' not in text and not text.startswith('"'):
        if not text.endswith('"""'):
            ways.append(f'"""\n{text}"""')
    return str(draw(st.sampled_from(ways)))


_SIMPLE = st.one_of(
    st.sampled_from(
        "1 -7 0xDEAD_beef 3.5e-7 inf -nan true false 1979-05-27 07:32:00.5 1979-05-27T07:32:00Z "
        "1_000".split()
    ),
    st.just("1979-05-27 07:32:00"),
    _text(),
)
_GAP = st.sampled_from(["", " ", "\n", " # a, ] } \" ' comment\n", "\t"])


@st.composite
def _value(draw: Any, level: int = 0) -> str:
    kind = draw(st.integers(0, 3 if level < 3 else 1))
    if kind < 2:
        return str(draw(_SIMPLE))
    if kind == 2:
        items = draw(st.lists(_value(level + 1), max_size=4))
        inner = [f"{draw(_GAP)}{row}{draw(_GAP)}" for row in items]
        tail = f",{draw(_GAP)}" if items and draw(st.booleans()) else ""
        return f"[{','.join(inner)}{tail}]"
    names = draw(st.lists(_NAMES, max_size=3, unique=True))
    pairs = [f" {draw(_key(name))} = {draw(_value(level + 1))}" for name in names]
    return f"{{{','.join(pairs)} }}"


@st.composite
def _documents(draw: Any) -> str:
    lines: list[str] = []
    for number in range(draw(st.integers(0, 5))):
        path = [f"t{number}", *draw(st.lists(_NAMES, max_size=2))]
        dotted = draw(st.sampled_from([".", " . "])).join([draw(_key(row)) for row in path])
        if number:
            again = draw(st.integers(0, 2))
            lines += [f"[{dotted}] # ]"] if not again else []
        else:
            again = 0
        for _ in range(max(again, 1)):
            lines += [f"[[{dotted}]]"] if again else []
            for name in draw(st.lists(_NAMES, max_size=3, unique=True)):
                key = draw(_key(name))
                if draw(st.booleans()):
                    key += " ." + draw(_key(draw(_NAMES)))
                lines.append(f"{draw(st.sampled_from(['', '  ']))}{key}={draw(_value())} # x = 1")
    return str(draw(st.sampled_from(["\n", "\r\n"]))).join(["# begin", *lines, ""])


@settings(max_examples=depth(150, 5000), deadline=None)
@given(_documents())
def test_all_that_is_parsed_of_any_document_has_its_place(document: str) -> None:
    try:
        tomllib.loads(document)
    except tomllib.TOMLDecodeError:
        find_places(document)  # which must come to its end all the same
        return
    _all_there(document)


@settings(max_examples=depth(150, 5000), deadline=None)
@given(st.text(st.sampled_from("ab.=[]{}\"'#,\\ \n\r\t1")))
def test_what_is_no_toml_is_walked_over_without_a_fault(text: str) -> None:
    for _, place in find_places(text).items():
        assert place.line >= 1 and place.column >= 1


# -- attacks --------------------------------------------------------------------------------------

MANY = 300_000


@pytest.mark.parametrize(
    "document",
    [
        "\n".join(f"k{number} = {number}" for number in range(MANY // 10)),
        "a = [" + "1," * MANY + "]",
        "a = '''" + "''x" * MANY + "'''",
        'a = """' + '\\"' * MANY + '"""',
        'a = "' + "x" * MANY,
        "# " + "[" * MANY,
        " " * MANY + "x",
        "a" * MANY,
        "a = {" + ",".join(f"k{number}=1" for number in range(MANY // 10)) + "}",
        "[[a]]\nb=1\n" * (MANY // 10),
        "a = " + "1" * MANY,
        "a = [" + "\n # x\n" * MANY,
    ],
    ids=range(12),
)
def test_a_large_document_takes_time_as_it_is_long(document: str) -> None:
    def took_s(text: str) -> float:
        began_s = time.process_time()
        find_places(text)
        return time.process_time() - began_s

    assert took_s(document) < 3


@pytest.mark.parametrize(
    "document",
    [
        "a = " + "[" * MANY,
        "a = " + "{b = " * MANY,
        "a" + ".a" * MANY + " = 1",
        "[" + "a." * MANY + "a]",
        "[a" + " . b" * DEPTH_MAX + "]",
    ],
    ids=range(5),
)
def test_what_is_too_deep_is_told_with_its_place(document: str) -> None:
    places = find_places(document)
    assert places.too_deep is not None and places.too_deep.line == 1
    assert len(places) <= DEPTH_MAX + 1
