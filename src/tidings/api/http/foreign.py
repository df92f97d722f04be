"""Calls that a browser makes for a page of another site. What would change something is refused.

A browser resends by itself the name and password that somebody once typed for an API address (HTTP
Basic), and bodies are read whatever type they are said to be of: so a form on any page could act.
Who is no browser says none of these headers. No page of another site is meant to call: there is no
CORS.
"""

from collections.abc import Callable, Collection, Mapping

from tidings.core.access.from_browser import from_page_of
from tidings.values import describe_value

CODE = "foreign_origin"
ORIGIN, FETCH_SITE = b"origin", b"sec-fetch-site"
_HARMLESS = frozenset(("GET", "HEAD", "OPTIONS"))
API = ("/v1/", "/v3/")


def changes(method: str, path: str) -> bool:
    """Return whether a call to the API may change something."""
    return method not in _HARMLESS and path.startswith(API)


def foreign(
    headers: Mapping[bytes, bytes], ours: Callable[[], Collection[str]]
) -> tuple[str, str] | None:
    """Judge a call from a page that is not of `ours`: the refusal, without code and place, and the
    header that gives the page away; None for every other call."""
    origin, site = headers.get(ORIGIN), headers.get(FETCH_SITE)
    if origin is None and site is None:
        return None
    origin_text = None if origin is None else origin.decode("latin-1")
    where = None if site is None else site.decode("latin-1")
    if from_page_of(ours(), origin_text, None, where):
        return None
    got, header = (origin_text, "Origin") if origin_text else (where, "Sec-Fetch-Site")
    return (
        "The call must come from a program, or from a page of this service; got one that a browser "
        f"makes for another site ({describe_value(got)}). Let your server make it.",
        header,
    )
