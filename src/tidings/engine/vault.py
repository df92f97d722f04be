"""Seals what must not be read from a stolen store: the configuration of webhooks, which holds their
headers and signing secrets.

AES-256-GCM. A sealed text is one byte that names the key, 12 random bytes, and the cipher text with
its tag. What it belongs to (org, webhook, version) is authenticated with it, so that no sealed text
can be moved to another place. The embedded store's key lies in a file beside it; that of a database
is given by the operator.
"""

import base64
import binascii
import contextlib
import errno
import os
import stat
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tidings.core.ids import OrgId, WebhookId
from tidings.core.sealed_columns import WEBHOOK_CONFIG, SealedPlace
from tidings.engine.callables import RandomBytes
from tidings.errors import Unusable

KEY_FILE = "key"
KEY_BYTES = 32
NONCE_BYTES = 12
PUT_BACK = "Put back the file `key` that belongs to this data directory."


class VaultRefused(Unusable):
    """The key cannot be used, or does not open what is stored; the text says what to do."""


class SealedSecret:
    """Bytes that do not show in a log, a traceback or a debugger's view of their owner."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        """Return the bytes themselves."""
        return self._value

    def __repr__(self) -> str:
        """Show nothing of the value."""
        return "Secret(…)"


class Vault:
    """Seals with the newest key and opens with any of its keys, by their number (1 to 255)."""

    def __init__(
        self,
        keys: dict[int, SealedSecret],
        random_bytes: RandomBytes = os.urandom,
        remedy: str = PUT_BACK,
    ) -> None:
        """`remedy`: what to do where something stored does not open."""
        self._remedy = remedy
        self._newest = max(keys)
        self._ciphers = {number: AESGCM(key.reveal()) for number, key in keys.items()}
        self._random_bytes = random_bytes

    @classmethod
    def in_directory(cls, directory: Path) -> "Vault":
        """Open the vault of a data directory; make its key file at the first start. Raise
        VaultRefused where the file cannot be used."""
        return cls({1: read_or_make_key(directory / KEY_FILE)})

    def __repr__(self) -> str:
        """Show the numbers of the keys alone."""
        return f"Vault(keys={sorted(self._ciphers)})"

    def seal(self, plain: bytes, org: OrgId, webhook_id: WebhookId, version: int) -> bytes:
        """Seal the configuration of one version of a webhook."""
        return self.seal_at(plain, WEBHOOK_CONFIG.at(org, webhook_id, version))

    def seal_at(self, plain: bytes, place: SealedPlace) -> bytes:
        """Seal for a place, which is authenticated with it and must be named to open it."""
        nonce = self._random_bytes(NONCE_BYTES)
        sealed = self._ciphers[self._newest].encrypt(nonce, plain, place)
        return bytes((self._newest,)) + nonce + sealed

    def open(self, sealed: bytes, org: OrgId, webhook_id: WebhookId, version: int) -> bytes:
        """Open the configuration of a webhook. Raise VaultRefused with another key, at another
        place, or when it was changed."""
        what = f"The configuration of webhook {webhook_id}"
        return self.open_at(sealed, WEBHOOK_CONFIG.at(org, webhook_id, version), what)

    def open_at(self, sealed: bytes, place: SealedPlace, what: str) -> bytes:
        """Open what was sealed for a place; `what` names it where it does not open
        (VaultRefused)."""
        cipher = self._ciphers.get(sealed[0]) if sealed else None
        try:
            if cipher is None:
                raise InvalidTag
            nonce, text = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
            return cipher.decrypt(nonce, text, place)
        except (InvalidTag, ValueError):
            raise VaultRefused(
                f"{what} must open with this service's key; it does not. {self._remedy}"
            ) from None


def parse_key(given: bytes, source: str) -> SealedSecret:
    """Read a key that an operator gives: its 32 bytes, or base64 of them.

    Raise VaultRefused, which names the source and repeats nothing of it.
    """
    if len(given) == KEY_BYTES:
        return SealedSecret(given)
    with contextlib.suppress(binascii.Error):
        key = base64.b64decode(given.strip(), validate=True)
        if len(key) == KEY_BYTES:
            return SealedSecret(key)
    raise VaultRefused(
        f"{source} must hold a key of {KEY_BYTES} bytes, in base64 or as they are; got "
        f"{len(given):,} bytes that are none. `tidings master-key create` prints a new one."
    )


def read_or_make_key(path: Path) -> SealedSecret:
    """Read the key of a file; make a new one, synced to the disk, where there is no such file.

    Raise VaultRefused, which says why it cannot be used; OSError where the disk did not take a new
    one.
    """
    try:
        if not path.exists():
            _make_key(path)
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            key = file.read(KEY_BYTES + 1)
    except PermissionError as error:
        raise VaultRefused(
            f"The key file {path} must be one that the service can read, and make at its first "
            f"start; got: {error.strerror}. Fix its owner, or that of its directory."
        ) from None
    if mode & 0o077:
        raise VaultRefused(
            f"The key file {path} must be readable only by its owner; its mode is {mode:04o}. Run "
            f"chmod 600 {path}."
        )
    if len(key) != KEY_BYTES:
        raise VaultRefused(
            f"The key file {path} must hold {KEY_BYTES} bytes; got {len(key) or 'none'}. Put back "
            "the key that belongs to this data directory."
        )
    return SealedSecret(key)


def _make_key(path: Path) -> None:
    """Create the key file whole or not at all: written beside its place, synced, then linked to
    it."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    with contextlib.suppress(FileNotFoundError):
        fresh.unlink()
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        try:
            if os.write(descriptor, os.urandom(KEY_BYTES)) != KEY_BYTES:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(fresh))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        with contextlib.suppress(FileExistsError):  # another start was faster: its key stays
            os.link(fresh, path)
    finally:
        fresh.unlink()
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
