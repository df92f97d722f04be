"""Rows of a log: asked for page by page until there are enough, and shown as a table."""

from collections.abc import Iterator
from typing import Any

from tidings.cli.calls import Calls
from tidings.cli.exits import Exit, Stop
from tidings.cli.output import moment, print_table, state

PAGE_MAX = 200
ROUNDS_MAX = 200  # pages in a row that may hold nothing


def check_limit(limit: int) -> None:
    """Stop where nothing could be listed."""
    if limit < 1:
        raise Stop(f"--limit must be 1 or more; got {limit}. Leave it out.", Exit.USAGE)


def rows(api: Calls, path: str, field: str, limit: int, **query: Any) -> Iterator[dict[str, Any]]:
    """Up to `limit` rows of a log, newest first. Stop."""
    check_limit(limit)
    cursor: str | None = None
    left = limit
    for _ in range(ROUNDS_MAX):
        page = api.get(path, **query, limit=min(left, PAGE_MAX), cursor=cursor)
        yield from page[field][:left]
        left -= len(page[field])
        cursor = page["older"]
        if left <= 0 or cursor is None:
            return


def print_deliveries(found: list[dict[str, Any]]) -> None:
    """A table of deliveries."""
    print_table(
        ("State", "Accepted", "Event", "Webhook", "Tries", "Answer", "Id"),
        [
            (
                state(one["state"]),
                moment(one["acceptedAt"]),
                one["eventName"],
                one["webHookName"],
                one["attempts"],
                one["status"],
                one["id"],
            )
            for one in found
        ],
        right="Tries Answer",
    )
