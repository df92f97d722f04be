"""URLs with holes, as https://api.example/customers/{id}: filled for each event. Pure.

A value fills its hole as text and never as structure: it is percent-encoded, so that it ends no
part of the path and begins no query. What some server on the way would take for a way up (`..`,
also behind an encoded slash) is refused, and so is what cannot be seen.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from tidings.core.actions.context import Unmade, text_of
from tidings.core.webhooks.body_reader import URL_MAX
from tidings.core.webhooks.masks import MARK, SHOWN_FROM, is_secret_name, mask

HOLE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]{0,63})\}")
_SPLIT = re.compile(r"[/\\]")
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_DECODED_TIMES = 3


def holes_of(url: str) -> tuple[str, ...]:
    """Return the names of a URL's holes, each once, in their order."""
    return tuple(dict.fromkeys(HOLE.findall(url)))


def origin_of(url: str) -> str:
    """Return what comes before a URL's path: scheme, host and port. No hole may be there."""
    scheme, mark, rest = url.partition("://")
    return scheme + mark + re.split(r"[/?#]", rest, maxsplit=1)[0]


def fill(url: str, values: Mapping[str, Any]) -> str:
    """Fill each hole of a URL with the value of its name. Raise Unmade if there is none, or one
    that is no part of a URL, if the host has a hole, or if the URL becomes too long."""
    origin = origin_of(url)
    if HOLE.search(origin):
        raise Unmade("The host of a URL must be written out; there is a hole in it.")
    path, mark, query = url[len(origin) :].partition("?")
    filled = origin + _filled(path, values, in_path=True) + mark + _filled(query, values)
    if len(filled) > URL_MAX:
        raise Unmade(
            f"A URL must have at most {URL_MAX} characters; with its values it has more. Correct "
            "the values, or the paths that they are found at."
        )
    return filled


def url_shown(template: str, filled: str | None = None, *, secret: bool = False) -> str:
    """Return the URL of a call as people may see it, filled or with its holes. A fixed value in its
    query that is long, or has a name like a secret, may be a key: only its end is shown. Of a URL
    that is `secret` only the host is."""
    if secret:
        return f"{origin_of(template)}/{MARK}"
    shown, mark, query = (template if filled is None else filled).partition("?")
    if not mark:
        return shown
    written = template.partition("?")[2].split("&")
    parts = query.split("&")
    if len(parts) != len(written):  # the action says something else by now
        return f"{shown}?{MARK}"
    return f"{shown}?{'&'.join(map(_query_shown, written, parts))}"


def _query_shown(written: str, part: str) -> str:
    name, mark, value = part.partition("=")
    secret = is_secret_name(name) or name.lower().endswith("key") or len(value) >= SHOWN_FROM
    if HOLE.search(written) or not secret:
        return part
    return f"{name}{mark}{mask(value)}"


def _filled(text: str, values: Mapping[str, Any], *, in_path: bool = False) -> str:
    made = HOLE.sub(lambda hole: _part(hole[1], values.get(hole[1]), in_path), text)
    if in_path and made != text and any(map(_is_way_up, made.split("/"))):
        raise Unmade("A part of a URL's path must not be only dots; with its values one is.")
    return made


def _part(name: str, value: Any, in_path: bool) -> str:
    text = text_of(value)
    if text is None or not text:
        raise Unmade(
            f"The URL must have a text or a number for {{{name}}}; there is "
            f"{'nothing' if value is None or text is not None else 'something else'}. Correct the "
            f"path of values.{name}, or filter out events without it."
        )
    if _UNSEEN.search(text) or (in_path and _is_way(text)):
        raise Unmade(
            f"The value for {{{name}}} must be no path and hold no line ends or control "
            "characters, since it becomes one part of a URL; it does."
        )
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:  # half a sign
        raise Unmade(f"The value for {{{name}}} must be a text in Unicode; it is not.") from None


def _is_way(text: str) -> bool:
    """Return whether it holds a way up, however often somebody on the way decodes it."""
    for _ in range(_DECODED_TIMES):
        if any(map(_is_way_up, _SPLIT.split(text))):
            return True
        text, was = unquote(text), text
        if text == was:
            break
    return False


def _is_way_up(part: str) -> bool:
    return unquote(part) in (".", "..")
