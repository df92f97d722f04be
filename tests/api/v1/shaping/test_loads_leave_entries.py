"""A load of reference data is in the audit log by its beginning and its end, whatever ends it."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from tests.api.control_client import Service, basic, scope_of, service
from tests.engine.audit.kept_log import entries_of
from tidings.core.shaping.reference_rows import LINE_BYTES_MAX

HEAD = b"id,mobile\n"
ROWS = HEAD + b"".join(b"%d,15550100\n" % number for number in range(600))
UNCLOSED = b'601,"' + b"x\n" * LINE_BYTES_MAX


async def load(s: Service, *parts: bytes, gone: bool = False) -> int | None:
    """Load CSV in parts; the status, None where the caller goes before its body has ended."""
    sent: list[dict[str, Any]] = []
    left = list(parts)

    async def receive() -> dict[str, Any]:
        if not left and gone:
            return {"type": "http.disconnect"}
        body = left.pop(0) if left else b""
        return {"type": "http.request", "body": body, "more_body": bool(left) or gone}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = {"authorization": basic("boss", "s3cret"), "content-type": "text/csv"}
    await s.app(scope_of("POST", "/v1/reference/customers:load", headers), receive, send)
    return sent[0]["status"] if sent else None


def loads(s: Service) -> Sequence[dict[str, Any]]:
    """The entries of loads, as what they hold."""
    return [
        msgspec.json.decode(record.after or b"")
        for record in entries_of(s.store, 1)
        if record.action == "reference.changed"
    ]


async def test_a_load_of_one_write_is_one_entry() -> None:
    async with service() as s:
        assert await load(s, HEAD + b"1,15550100\n2,15550101\n") == 200
        assert loads(s) == [{"count": 2, "ids": ["1", "2"]}]


@pytest.mark.parametrize(
    ("parts", "gone", "status", "end"),
    [
        ((ROWS,), False, 200, "ended"),
        ((ROWS, UNCLOSED), False, 400, "broken off"),
        ((ROWS,), True, None, "broken off"),
    ],
)
async def test_a_load_of_several_writes_is_two_entries_that_say_which_they_are(
    parts: tuple[bytes, ...], gone: bool, status: int | None, end: str
) -> None:
    async with service() as s:
        assert await load(s, *parts, gone=gone) == status
        begun, ended = loads(s)
        assert (begun["load"], ended["load"]) == ("begun", end)
        stored = (await s.call("GET", "/v1/reference/customers?limit=1000")).json["count"]
        assert begun["count"] < ended["count"] == stored
        assert begun["ids"] == ended["ids"] == [str(number) for number in range(20)]


async def test_a_load_that_the_store_takes_no_more_of_has_begun_and_is_told_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with service() as s:
        put = s.store.put_reference
        writes: list[Any] = []

        async def put_once(*given: Any) -> Any:
            writes.append(given)
            s.store.down = len(writes) > 1
            return await put(*given)

        monkeypatch.setattr(s.store, "put_reference", put_once)
        assert await load(s, ROWS) == 503
        assert [fields["load"] for fields in loads(s)] == ["begun"]
