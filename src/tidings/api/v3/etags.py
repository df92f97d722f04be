"""Entity tags of webhooks: their version in quotes, and what `If-Match` asks of it.

A caller who sends back the tag that it was given changes nothing that somebody else has changed in
the meantime (RFC 9110, section 13.1.1). Without the header nothing is asked.
"""

import re
from collections.abc import Collection

_TAGS = re.compile(r'\s*(?:(W/)?"([\x21\x23-\x7e]*)"\s*(?:,|$)|,)')
_VERSION = re.compile(r"[1-9][0-9]{0,15}")


def etag(version: int) -> str:
    """The tag of a version."""
    return f'"{version}"'


def expected(header: str | None) -> Collection[int] | None:
    """The versions that `If-Match` admits; None for all of them (no header, or `*`).

    A weak tag, and one that is not ours, match nothing; a header that is no list of tags neither.
    """
    if header is None or header.strip() == "*":
        return None
    versions = set()
    at = 0
    while at < len(header):
        found = _TAGS.match(header, at)
        if found is None:
            return frozenset()
        at = found.end()
        if found[2] is not None and found[1] is None and _VERSION.fullmatch(found[2]):
            versions.add(int(found[2]))
    return frozenset(versions)
