"""A body laid out keeps its bytes' meaning, and the place of a fault is found in it."""

import json

import pytest

from tidings.console.json_view import SHOWN_MAX, body_of
from tidings.console.pages.delivery.delivery import curl_of

EVENT = (
    b'{"eventName":"pointsIssued","data":{"n":1.50,"big":12345678901234567890123,"items":[{"id":1},'
    b'{"id":"x","tags":[]}],"a.b":2,"empty":{}}}'
)


def shown(raw: bytes) -> str:
    return "\n".join(line.text for line in body_of(raw).lines)


def marked(raw: bytes, path: str) -> tuple[list[str], bool]:
    body = body_of(raw, path)
    return [line.text.strip() for line in body.lines if line.marked], body.found


def test_numbers_and_order_stay_as_they_came() -> None:
    text = shown(EVENT)
    assert '"n": 1.50,' in text and "12345678901234567890123" in text
    assert list(json.loads(text)) == ["eventName", "data"]
    assert shown(b'{"a":1,"a":2}').count('"a"') == 2, "what stands twice stands twice"


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("eventName", '"eventName": "pointsIssued",'),
        ("data.n", '"n": 1.50,'),
        ("data.items", '"items": ['),
        ("data.items[0].id", '"id": 1'),
        ("data.items[1].id", '"id": "x",'),
        ("data.items[1].tags", '"tags": []'),
        ("data.a.b", '"a.b": 2,'),
        ("data.empty", '"empty": {}'),
    ],
)
def test_the_line_of_a_path_is_marked(path: str, line: str) -> None:
    assert marked(EVENT, path) == ([line], True)


def test_where_the_path_is_absent_its_block_is_marked() -> None:
    assert marked(EVENT, "data.items[1].missing") == (["{"], False)
    assert marked(EVENT, "data.total") == (['"data": {'], False)
    assert marked(EVENT, "eventId") == (["{"], False)
    assert marked(EVENT, "dat") == (["{"], False), "a name that only begins alike is another"


def test_keys_and_texts_that_look_like_structure_do_not_mislead() -> None:
    raw = b'{"a{":{"}":"[","c":["]"]},"d":1}'
    assert marked(raw, "a{.}") == (['"}": "[",'], True)
    assert marked(raw, "d") == (['"d": 1'], True)
    assert marked(b'{"a\\"b":1}', 'a"b') == (['"a\\"b": 1'], True)


@pytest.mark.parametrize("raw", [b"", b"{", b'{"a":', b"\xff\xfe", b"[" * 5000, b"plain text"])
def test_what_is_no_json_is_shown_as_it_is(raw: bytes) -> None:
    body = body_of(raw, "data.x")
    assert body.bytes == len(raw) and not body.found
    assert body.kind in ("text", "binary") or not raw


def test_a_long_body_is_cut_and_says_so() -> None:
    raw = json.dumps({"a": ["x" * 50] * 10_000, "z": 1}).encode()
    body = body_of(raw, "z")
    assert body.cut and sum(len(line.text) + 1 for line in body.lines) <= SHOWN_MAX + 1


def test_the_place_is_shown_with_the_lines_around_it() -> None:
    raw = json.dumps({f"k{n}": n for n in range(100)}).encode()
    place = body_of(raw, "k50").place
    assert place is not None and len(place.lines) == 13
    assert [line.text.strip() for line in place.lines if line.marked] == ['"k50": 50,']


def test_a_curl_command_quotes_everything_and_reads_no_file() -> None:
    request = {
        "method": "POST",
        "url": "https://x.example/a?b=$(id)",
        "headers": [{"name": "X-A", "value": "it's; `id`"}],
        "body": {"text": "@/etc/passwd", "bytes": 12},
    }
    command = curl_of(request)
    assert command is not None
    assert "'https://x.example/a?b=$(id)'" in command
    assert "'X-A: it'\"'\"'s; `id`'" in command
    assert "--data-binary ' @/etc/passwd'" in command
    assert curl_of(request | {"body": {"text": None, "bytes": 2}}) is None
    for url in ("kafka://main/crm", "sql://crm/state", "email://mail/a@b.example", "pull:"):
        assert curl_of(request | {"url": url}) is None, "it is no call"
