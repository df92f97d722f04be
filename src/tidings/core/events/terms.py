"""Search terms: the 8 bytes under which an event is found by a value.

A telephone number is written in many ways: with and without `+`, `00`, spaces, hyphens and
brackets. Beside the value as it stands, an event is found by its digits; and a question asks for
each way in which a value that it holds may have been kept. So events that were indexed by the
value alone are found too.
"""

import hashlib
import re
from collections.abc import Iterable

from tidings.core.ids import OrgId

TERM_BYTES = 8
DIGITS_MIN, DIGITS_MAX = 7, 15  # of a telephone number; E.164 has no longer ones

_SEPARATORS = re.compile(r"[\s().\u00a0\u2010-\u2015/-]+")


class Terms:
    """Keyed hashes of an org and a value: the index holds nobody's name or number."""

    def __init__(self, key: bytes) -> None:
        self._keyed = hashlib.blake2b(digest_size=TERM_BYTES, key=key)

    def of(self, org: OrgId, value: str) -> bytes:
        """Return the term of exactly this value in an org."""
        keyed = self._keyed.copy()
        keyed.update(f"{org}.{value}".encode("utf-8", "surrogatepass"))
        return keyed.digest()

    def kept(self, org: OrgId, values: Iterable[str]) -> bytes:
        """Return the terms under which an org's event with these values is found, one behind
        another."""
        of = self.of
        terms = []
        for value in values:
            terms.append(of(org, value))
            if not value.isalnum() and (digits := phone_digits(value)) is not None:
                terms.append(of(org, digits))
        return b"".join(terms)

    def asked(self, org: OrgId, value: str) -> bytes:
        """Build what finds an org's events with `value`: its terms one behind another, any of which
        an event may have."""
        return b"".join([self.of(org, spelling) for spelling in spellings(value)])


def phone_digits(value: str) -> str | None:
    """Return the digits of what may be a telephone number, without `+` or a leading `00`; else
    None."""
    plain = _SEPARATORS.sub("", value)
    digits = plain.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()):
        return None
    if plain == digits:
        digits = digits.removeprefix("00")
    return digits if DIGITS_MIN <= len(digits) <= DIGITS_MAX else None


def spellings(value: str) -> tuple[str, ...]:
    """List the value as it stands and, if it may be a telephone number, as it may have been
    kept."""
    digits = phone_digits(value)
    if digits is None:
        return (value,)
    return tuple(dict.fromkeys((value, digits, f"+{digits}", f"00{digits}")))
