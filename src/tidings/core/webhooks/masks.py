"""Values of headers as they are shown to those who may read, and what was shown read back.

A value that somebody has stored for a webhook is a secret, whatever its header is called. It is
shown by its last four characters behind `…`; of a short one not even its length is told. `…` can
stand in no header's value (visible ASCII), so that a mask is never taken for a value. Pure.
"""

import re
from collections.abc import Collection, Iterable, Sequence

MARK = "…"
SHOWN_FROM = 16  # a shorter secret would be given away by its last four characters
SCRUBBED_FROM = 8  # shorter texts stand in an answer by chance

Headers = Sequence[tuple[str, str]]

_SECRET_NAME = re.compile(
    r"authori[sz]ation|authenticat|cookie|secret|token|password|signature|api-?key", re.IGNORECASE
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
    """A value reduced to its end. A mask stays as it is."""
    if value.startswith(MARK):
        return value
    return MARK + value[-4:] if len(value) >= SHOWN_FROM else MARK


def is_secret_name(name: str) -> bool:
    """Whether what is called so is most often a secret."""
    return _SECRET_NAME.search(name) is not None


def looks_masked(text: str) -> bool:
    """Whether a text stands for a value rather than being one."""
    return MARK in text or _HIDDEN.fullmatch(text.strip(" \t")) is not None


def masked(headers: Headers) -> list[tuple[str, str]]:
    """Headers that are stored for a webhook: all values masked."""
    return [(name, mask(value)) for name, value in headers]


def masked_of(headers: Headers, names: Collection[str]) -> list[tuple[str, str]]:
    """Headers of a request: those of these names, which its webhook sets, are masked; ours not."""
    stored = {name.lower() for name in names}
    return [(name, mask(value) if name.lower() in stored else value) for name, value in headers]


def masked_by_name(headers: Headers) -> list[tuple[str, str]]:
    """Headers of somebody else: what is called like a secret is masked."""
    return [(name, mask(value) if _SECRET_NAME.search(name) else value) for name, value in headers]


def masked_arrival(headers: Headers, configured: Collection[str]) -> list[tuple[str, str]]:
    """Headers that came to a test inbox, whoever has sent them.

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


def scrubbed(text: bytes, configured: Headers) -> bytes:
    """Bytes of a receiver without the stored values that it has sent back."""
    for secret in _secrets(configured):
        text = text.replace(secret.encode("latin-1"), mask(secret).encode())
    return text


def scrubbed_headers(headers: Headers, configured: Headers) -> tuple[tuple[str, str], ...]:
    """The same of the headers of its answer."""
    secrets = list(_secrets(configured))
    found = []
    for name, value in headers:
        for secret in secrets:
            value = value.replace(secret, mask(secret))  # noqa: PLW2901  # one after the other
        found.append((name, value))
    return tuple(found)


def _secrets(configured: Headers) -> Iterable[str]:
    """Stored values, and what stands behind the scheme in them (`Bearer …`), longest first."""
    parts = {part for _, value in configured for part in (value, value.partition(" ")[2].strip())}
    return sorted((part for part in parts if len(part) >= SCRUBBED_FROM), key=len, reverse=True)
