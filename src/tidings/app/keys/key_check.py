"""Whether the master key is the one that a store was first served with.

The store keeps a number that is made of the key and tells nothing of it. A start compares them
before it writes anything: what another key seals, the right one would not open. A store of a
release before has no such number: it takes that of a key whose seal the audit log bears, and that
has opened what is sealed there.
"""

from collections.abc import Awaitable, Callable

from tidings.app.keys.derived_keys import AUDIT_PURPOSE, derive_key
from tidings.app.keys.master_key import remedy_of, source_of
from tidings.core.audit.chain import START, sealed
from tidings.engine.vault import SealedSecret, VaultRefused
from tidings.errors import end_with_place
from tidings.ports import StepRunner
from tidings.settings.settings import Settings
from tidings.store import port

CHECK_PURPOSE = b"tidings.key-check"


def check_of(master: SealedSecret) -> int:
    """Return the number by which a key is known: of 63 bits, as both databases keep numbers."""
    return int.from_bytes(derive_key(master, CHECK_PURPOSE, 8)) >> 1


class KeyCheck:
    """Compares the key of a start with that of its store."""

    def __init__(self, settings: Settings, master: SealedSecret, store: port.Store) -> None:
        self._settings = settings
        self._master = master
        self._store = store
        self._is_known = False

    async def guard(
        self, through: StepRunner, load: Callable[[StepRunner], Awaitable[None]]
    ) -> None:
        """Load what is stored with a key that fits, and have the store known by it. Raise
        VaultRefused where the key does not fit: nothing was written then."""
        await through(self.compare)
        await load(through)
        await through(self.keep)

    async def compare(self) -> None:
        """Raise VaultRefused where the store was served with another key; StoreDown."""
        kept = await self._store.key_check()
        self._is_known = kept is not None
        fits = kept == check_of(self._master) if self._is_known else await self._has_sealed()
        if not fits:
            sentence = (
                "The master key must be the one that this store was first served with; it is "
                f"another one. {remedy_of(self._settings)}"
            )
            raise VaultRefused(end_with_place(sentence, "wrong_key", source_of(self._settings)))

    async def keep(self) -> None:
        """Have the store known by this key from now on: everything in it was opened. StoreDown."""
        if not self._is_known:
            await self._store.put_key_check(check_of(self._master))
            self._is_known = True

    async def _has_sealed(self) -> bool:
        """Return whether the newest entry of a chain of the audit log bears the seal of this key,
        or there is none that can tell."""
        key = derive_key(self._master, AUDIT_PURPOSE)
        for head in await self._store.audit_heads():
            entries = await self._store.audit_slice(head.chain, max(0, head.number - 2), 2)
            if head.number == 1 and len(entries) == 1:
                return sealed(key, START, entries[0]).mac == head.mac
            if len(entries) == 2:
                before, newest = entries
                return sealed(key, before.mac, newest).mac == head.mac
        return True
