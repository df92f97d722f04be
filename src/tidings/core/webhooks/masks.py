"""Values of headers as they are shown to those who may read, and what was shown read back.

A value that somebody has stored for a webhook is a secret, whatever its header is called. It is
shown by its last four characters behind `…`; of a short one not even its length is told. `…` can
stand in no header's value (visible ASCII), so that a mask is never taken for a value. Pure.
"""

import html
import json
import re
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from urllib.parse import quote

MARK = "…"
SHOWN_FROM = 16  # a shorter secret would be given away by its last four characters
SCRUBBED_FROM = 8  # shorter texts stand in an answer by chance
_CUT_FROM = 4  # signs of a secret that is cut
_CUTS_MAX = 64

_AS_IT_IS = re.compile(r"[A-Za-z0-9._~-]*")  # signs that are written alike by all
# What libraries for JSON write by its number besides: those of Go, Gson and .NET.
_NUMBERED = [re.compile(signs) for signs in ("[<>&]", "[<>&'=]", "[<>&'+`]")]
_NUMBER, _PERCENT = re.compile(r"\\u([0-9a-f]{4})"), re.compile("%[0-9A-F]{2}")

Headers = Sequence[tuple[str, str]]

_SECRET_NAME = re.compile(
    r"authori[sz]ation|authenticat|cookie|secret|token|password|signature|api[-_]?key",
    re.IGNORECASE,
)
# What others put before the end of a value that they hide. None of it is a value anybody has.
_HIDDEN = re.compile(r"(?:\.{3}|\*{3,}|•+).{0,4}")
_OURS = ("webhook-", "tidings-")  # set by Tidings alone, and no secret
_DEFAULTS = {
    "content-type": re.compile(r"application/json"),
    "accept": re.compile(r"\*/\*"),
    "user-agent": re.compile(r"Tidings/[0-9A-Za-z.+-]{1,40}"),
}
# What a connection, or a proxy on the way, adds. No webhook may configure them.
_OF_THE_WAY = frozenset(
    "host content-length transfer-encoding connection keep-alive te trailer upgrade expect "
    "forwarded accept-encoding".split()
)


def mask(value: str) -> str:
    """Mask a value but for its end. A mask stays as it is."""
    if value.startswith(MARK):
        return value
    return MARK + value[-4:] if len(value) >= SHOWN_FROM else MARK


def is_secret_name(name: str) -> bool:
    """Return whether what is called so is most often a secret."""
    return _SECRET_NAME.search(name) is not None


def looks_masked(text: str) -> bool:
    """Return whether a text stands for a value rather than being one."""
    return MARK in text or _HIDDEN.fullmatch(text.strip(" \t")) is not None


def masked(headers: Headers) -> list[tuple[str, str]]:
    """Mask all values of headers that are stored for a webhook."""
    return [(name, mask(value)) for name, value in headers]


def masked_of(headers: Headers, names: Collection[str]) -> list[tuple[str, str]]:
    """Mask the headers of a request that have these names, which its webhook sets; ours stay."""
    stored = {name.lower() for name in names}
    return [(name, mask(value) if name.lower() in stored else value) for name, value in headers]


def masked_by_name(headers: Headers) -> list[tuple[str, str]]:
    """Mask the headers of somebody else that are called like a secret."""
    return [(name, mask(value) if _SECRET_NAME.search(name) else value) for name, value in headers]


def masked_arrival(headers: Headers, configured: Collection[str]) -> list[tuple[str, str]]:
    """Mask headers that came to a test inbox, whoever has sent them.

    Of a delivery everything is masked that Tidings has not set itself, since the webhook that sent
    it may be another one by now. Of anything else what is called like a secret, and what has the
    name of a header in `configured` (lower case): those of the webhooks that send there.
    """
    delivery = any(name.lower() == "tidings-delivery" for name, _ in headers)

    def hides(name: str, value: str) -> bool:
        if name.startswith(_OURS):
            return False
        if _SECRET_NAME.search(name) or name in configured:
            return True
        if not delivery or name in _OF_THE_WAY or name.startswith("x-forwarded-"):
            return False
        return name not in _DEFAULTS or not _DEFAULTS[name].fullmatch(value)

    return [(name, mask(value) if hides(name.lower(), value) else value) for name, value in headers]


def scrubbed(text: bytes, configured: Headers, *, is_cut: bool = False) -> bytes:
    """Replace by their masks the stored values that a receiver has sent back in its bytes, as they
    are or as JSON, HTML or a URL has them. `is_cut`: the end of the text may be the begin of one.
    """
    for secret in _secrets(configured):
        shown = mask(secret).encode()
        for form in _forms(secret):
            written = form.encode("utf-8", "surrogatepass")
            text = text.replace(written, shown)
            if is_cut:
                text = _without_begin(text, written, shown)
    return text


def _without_begin(text: bytes, written: bytes, shown: bytes) -> bytes:
    """Replace what a cut has left of a secret at the end of a text; of a secret of few different
    signs more than that, for each place costs a comparison."""
    begin, at = written[:_CUT_FROM], max(0, len(text) - len(written) + 1)
    for _ in range(_CUTS_MAX):
        at = text.find(begin, at)
        if at < 0:
            return text
        if written.startswith(text[at:]):
            break
        at += 1
    return text[:at] + shown


def scrubbed_headers(headers: Headers, configured: Headers) -> tuple[tuple[str, str], ...]:
    """Replace stored values by their masks, as `scrubbed` does, in the headers of a receiver's
    answer, whose signs are bytes."""
    secrets = [
        (form.encode("utf-8", "surrogatepass").decode("latin-1"), mask(secret))
        for secret in _secrets(configured)
        for form in _forms(secret)
    ]
    found = []
    for name, value in headers:
        for form, shown in secrets:
            value = value.replace(form, shown)  # noqa: PLW2901  # one after the other
        found.append((name, value))
    return tuple(found)


def _secrets(configured: Headers) -> Iterable[str]:
    """List stored values, and what stands behind the scheme in them (`Bearer …`), longest first."""
    parts = {part for _, value in configured for part in (value, value.partition(" ")[2].strip())}
    return sorted((part for part in parts if len(part) >= SCRUBBED_FROM), key=len, reverse=True)


@lru_cache(maxsize=1024)
def _forms(secret: str) -> tuple[str, ...]:
    """List how a secret is written by most who write it: by common libraries for JSON, URLs and
    HTML."""
    if _AS_IT_IS.fullmatch(secret):
        return (secret,)
    of_json = [json.dumps(secret, ensure_ascii=quoted)[1:-1] for quoted in (True, False)]
    by_number = [signs.sub(_numbered, form) for signs in _NUMBERED for form in of_json]
    of_json += [*by_number, *(form.replace("/", "\\/") for form in of_json)]
    of_json += [_NUMBER.sub(lambda found: r"\u" + found[1].upper(), form) for form in of_json]
    of_url = [quote(secret, safe, errors="surrogatepass") for safe in ("/", "", " ")]
    of_url += [form.replace(" ", "+") for form in of_url]
    of_url += [_PERCENT.sub(lambda found: found[0].lower(), form) for form in of_url]
    of_html = [html.escape(secret, quote=quoted) for quoted in (True, False)]
    of_html += [of_html[0].replace("&#x27;", apostrophe) for apostrophe in ("&#39;", "&#039;")]
    every = {secret, *of_json, *of_url, *of_html}
    return tuple(sorted(every, key=len, reverse=True))


def _numbered(sign: re.Match[str]) -> str:
    return f"\\u{ord(sign[0]):04x}"
