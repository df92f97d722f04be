"""What a browser says of a call: is it from a page of ours, and where does it want to go on?"""

import re
from collections.abc import Collection
from urllib.parse import unquote

from tidings.core.access.forwarded import origin_of

HOME = "/console"
RETURN_MAX = 2048
# Pages that do something when they are opened with a link in their address.
_DOORS = frozenset(("sign-in", "sign-out", "portal", "welcome", "confirm"))
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\x9f\\]")
_DECODINGS_MAX = 4


def return_path(to: str) -> str:
    """Return where to go after the sign-in: a page of the console, else the console's first page.

    Browsers and proxies read a path each in their own way, so one that could be read in two ways
    is not repaired but left: with dots for the folder above, in whatever spelling, with empty
    segments, back slashes, or what a browser takes out before it looks.
    """
    path, _, query = to.partition("#")[0].partition("?")
    if len(to) > RETURN_MAX or _UNSAFE.search(to) or not (path + "/").startswith(HOME + "/"):
        return HOME
    plain = _decoded(path)
    segments = plain.split("/")[1:]
    if plain.count("/") != path.count("/") or _UNSAFE.search(plain.replace(" ", "")):
        return HOME
    names = [
        segment.partition(";")[0] for segment in segments
    ]  # some servers take the rest as parameters
    if "" in names[:-1] or "." in names or ".." in names:
        return HOME
    page = segments[3:4] if segments[1:2] == ["o"] else segments[1:2]  # behind the org, if any
    if page and page[0].lower() in _DOORS:
        return HOME
    return f"{path}?{query}" if query else path


def own_origins(scheme: str, authority: str, public_url: str) -> set[str]:
    """Return the origins of our own pages, by how a call was made and by our URL, if that is set.
    For a call over plain http that of https is among them: before the service may stand a proxy
    that nobody has told it of."""
    urls = (f"{scheme}://{authority}", f"https://{authority}", public_url)
    return {origin_of(url) for url in urls if url}


def from_page_of(
    ours: Collection[str], origin: str | None, referer: str | None, fetch_site: str | None
) -> bool:
    """Return whether a call comes from a page of our origins, as far as its browser says from
    where.

    Browsers say it by `Origin` or `Sec-Fetch-Site`, and always where a page of another site sends
    a form. A call that says nothing at all is no browser's: it carries nobody's sign-in.
    """
    if fetch_site is not None and fetch_site not in ("same-origin", "none"):
        return False
    if origin == "null":
        return fetch_site == "same-origin"
    if origin:
        return origin_of(origin) in ours
    if fetch_site is None and referer:
        return origin_of(referer) in ours
    return True


def opened_by_hand(fetch_site: str | None, fetch_mode: str | None) -> bool:
    """Return whether a page is opened by the person who sits there, and not through another
    site."""
    return fetch_site in (None, "none", "same-origin") and fetch_mode in (None, "navigate")


def _decoded(path: str) -> str:
    """Decode a path as often as anybody may who reads it."""
    for _ in range(_DECODINGS_MAX):
        plain = unquote(path)
        if plain == path:
            break
        path = plain
    return path
