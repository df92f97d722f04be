"""E-mail addresses as messages may go to: one plain address, in one form. Pure."""

import re
import unicodedata

import idna

from tidings.core.form import visible

ADDRESS_MAX = 254
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`|~.\-\u0080-\U0010ffff]{1,64}")


def address_of(text: object) -> str | None:
    """The one address that a text is: its domain in lower-case ASCII, whatever alphabet it came in,
    so that one which only looks like another is seen to differ. None for anything else: a list, a
    name before the address, a quoted part, an address of a host by number, signs that cannot be
    seen or that stand for others."""
    if not isinstance(text, str) or not 0 < len(text) <= ADDRESS_MAX or not visible(text):
        return None
    if unicodedata.normalize("NFKC", text) != text:
        return None
    local, at, domain = text.rpartition("@")
    if not at or not _LOCAL.fullmatch(local) or any(map(_strange, local)):
        return None
    if local.startswith(".") or local.endswith(".") or ".." in local:
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
    """The domain of an address that `address_of` has made."""
    return address.rpartition("@")[2]


def _strange(sign: str) -> bool:
    """Neither a letter or its accent, nor a digit, nor ASCII: no spaces, signs or controls."""
    return ord(sign) >= 128 and unicodedata.category(sign)[0] not in "LMN"
