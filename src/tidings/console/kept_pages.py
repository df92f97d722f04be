"""Pages for who is not signed in, made once and kept: anybody may ask for them at any rate.

What such a page shows follows from its template, its address and a few words, so these are its key.
There are at most `PAGES_MAX`, each of a key of at most `KEY_MAX` characters; whoever asks at ever
other addresses pushes out other open pages, and those are made anew.
"""

import gzip
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

PAGES_MAX = 128
KEY_MAX = 400
PACK_BYTES_MIN = 1024


class PackedPage(NamedTuple):
    """The bytes of a page, plain and compressed."""

    plain: bytes
    packed: bytes  # empty where it is too short to be compressed


def pack_page(text: str) -> PackedPage:
    """Encode a page, and compress it if that is worth it."""
    plain = text.encode()
    packed = gzip.compress(plain, 5, mtime=0) if len(plain) >= PACK_BYTES_MIN else b""
    return PackedPage(plain, packed)


class KeptPages:
    """The pages that were asked for last."""

    def __init__(self) -> None:
        self._pages: dict[str, PackedPage] = {}

    def __len__(self) -> int:
        return len(self._pages)

    def find(
        self, template: str, address: str, words: Mapping[str, Any], make: Callable[[], str]
    ) -> PackedPage:
        """Return the page, made by `make` where it is not kept."""
        if not all(word is None or isinstance(word, str | int) for word in words.values()):
            return pack_page(make())
        key = repr((template, address, sorted(words.items())))
        if len(key) > KEY_MAX:
            return pack_page(make())
        page = self._pages.pop(key, None)
        if page is None:
            page = pack_page(make())
            if len(self._pages) >= PAGES_MAX:
                del self._pages[next(iter(self._pages))]
        self._pages[key] = page
        return page
