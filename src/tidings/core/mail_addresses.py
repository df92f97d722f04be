"""What the headers of an e-mail hold of others: addresses, each plain and in one form, and a
subject. Pure.

What comes of an event or a record is text, also where it reads like an encoded word (RFC 2047), as
`=?utf-8?q?=0d=0aBcc:_a=40b.example?=`: the standard library would decode it and write what it says,
line ends and all. So such a subject is encoded itself, and readers see the signs that it has.
"""

import re
import unicodedata
from email.header import Header
from email.policy import EmailPolicy

import idna

from tidings.core.form import visible

ENCODED = "=?"
"""With this an encoded word begins."""
ADDRESS_MAX = 254
WORD_MAX = 60
"""Characters without a space that go as they are: a line is broken at spaces alone."""
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`|~.\-\u0080-\U0010ffff]{1,64}")


def address_of(text: object) -> str | None:
    """Return the one address that a text is, its domain in lower-case ASCII whatever alphabet it
    came in, so that one which only looks like another is seen to differ. None for anything else: a
    list, a name before the address, a quoted part, an address of a host by number, signs that
    cannot be seen or that stand for others."""
    if not isinstance(text, str) or not 0 < len(text) <= ADDRESS_MAX or not visible(text):
        return None
    if unicodedata.normalize("NFKC", text) != text:
        return None
    local, at, domain = text.rpartition("@")
    if not at or not _LOCAL.fullmatch(local) or any(map(_strange, local)):
        return None
    if local.startswith(".") or local.endswith(".") or ".." in local:
        return None
    if ENCODED in local:  # many who read an e-mail would decode it, and see another address
        return None
    try:
        plain = idna.encode(domain, uts46=True, std3_rules=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        return None
    if "." not in plain or plain.rpartition(".")[2].isdigit() or plain.endswith("."):
        return None
    address = f"{local}@{plain}"
    return address if len(address.encode()) <= ADDRESS_MAX else None


def domain_of(address: str) -> str:
    """Return the domain of an address that `address_of` has made."""
    return address.rpartition("@")[2]


def _strange(sign: str) -> bool:
    """Return whether a sign is neither a letter or its accent, nor a digit, nor ASCII: a space, a
    symbol or a control."""
    return ord(sign) >= 128 and unicodedata.category(sign)[0] not in "LMN"


class Subject(str):
    """A subject that `EmailMessage` takes as it is. ValueError where it is not one line."""

    __slots__ = ()
    name = "Subject"  # by which the library knows a header that need not be read

    def __new__(cls, text: str) -> "Subject":
        if "\r" in text or "\n" in text:
            raise ValueError("a subject must be one line")
        return super().__new__(cls, text)

    def fold(self, *, policy: EmailPolicy) -> str:
        """Break the subject into its lines; the library asks for them."""
        longest = max(map(len, self.split(" ")))
        plain = self.isascii() and ENCODED not in self and longest <= WORD_MAX
        charset = "us-ascii" if plain else "utf-8"
        header = Header(str(self), charset, header_name="Subject")
        return f"Subject: {header.encode(splitchars=' ', linesep=policy.linesep)}{policy.linesep}"
