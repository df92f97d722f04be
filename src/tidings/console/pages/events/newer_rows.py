"""The bar above a list: how many rows are newer than those that it shows.

A list does not move under its reader. A script asks at the address of the list, above its first row
and with `part=newer`, and offers what has come since. An answer costs what a page of the list
costs at most; where none of the rows that were looked through fits, it says where to go on, so that
the same rows are not looked through again.
"""

from starlette.responses import Response

from tidings.console.visit import PlainVisit

NEWER_MAX = 99
PARAMETER = "part"  # of the address
PART = "newer"
GO_ON = "x-newer"  # the header with the address to ask at next


def asks_newer(visit: PlainVisit) -> bool:
    """Return whether a page asks how many rows are newer than its own."""
    return visit.request.query_params.get(PARAMETER) == PART


def limit_of(visit: PlainVisit, page: int) -> int:
    """Return how many rows a question is of: those of a page, or as many as the bar counts."""
    return NEWER_MAX + 1 if asks_newer(visit) else page


def count_newer(rows: int, at: str | None) -> Response:
    """Answer with the words of the bar; with 204 where nothing is newer, and `at` as the address
    to ask at next."""
    headers = {"cache-control": "no-store"}
    if not rows:
        return Response(status_code=204, headers=headers | ({GO_ON: at} if at else {}))
    words = f"{NEWER_MAX}+ new" if rows > NEWER_MAX else f"{rows} new"
    return Response(words, headers=headers, media_type="text/plain")
