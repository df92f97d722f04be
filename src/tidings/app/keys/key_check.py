"""Whether the master key is the one that a store was first served with: the one place that looks.

The store keeps a number that is made of the key and tells nothing of it. Each command that opens a
store compares them before it opens anything that is sealed there, and before it writes: what
another key seals, the right one would not open. A store of a release before has no such number: its
first start takes that of a key whose seal the audit log bears, and that has opened what is sealed
there.
"""

import asyncio
from collections.abc import Awaitable, Callable

from tidings.app.keys.derived_keys import AUDIT_PURPOSE, derive_key, keys_of
from tidings.app.keys.master_key import KeyPlace, key_place
from tidings.core.audit.chain import START, sealed
from tidings.engine.vault import KEY_FILE, SealedSecret, Vault, VaultRefused, read_or_make_key
from tidings.errors import end_with_place
from tidings.ports import Keys, StepRunner
from tidings.settings.settings import Settings
from tidings.store import port

CHECK_PURPOSE = b"tidings.key-check"


class WrongKey(VaultRefused):
    """The key is another one than that of the store, or is not there; `remedy` says what to do."""

    def __init__(self, place: KeyPlace, got: str = "it is another one") -> None:
        sentence = (
            f"The master key must be the one that this store was first served with; {got}. "
            f"{place.remedy}"
        )
        super().__init__(end_with_place(sentence, "wrong_key", place.source))
        self.remedy = place.remedy


def check_of(master: SealedSecret) -> int:
    """Return the number by which a key is known: of 63 bits, as both databases keep numbers."""
    return int.from_bytes(derive_key(master, CHECK_PURPOSE, 8)) >> 1


def admit_key(master: SealedSecret, known: int | None, place: KeyPlace) -> None:
    """Raise WrongKey where a store knows its key by another number than that of this one."""
    if known is not None and known != check_of(master):
        raise WrongKey(place)


def unlock(master: SealedSecret, known: int | None, place: KeyPlace) -> Vault:
    """Return what opens the secrets of a store, which knows its key by this number. Raise WrongKey
    where it is another one."""
    admit_key(master, known, place)
    return Vault({1: master}, remedy=place.remedy)


async def read_own_key(settings: Settings, store: port.Store) -> SealedSecret:
    """Read the key of a data directory; make one where its store was never served. Raise WrongKey
    where it was, and the key is gone; VaultRefused where it cannot be used; StoreDown, OSError."""
    file = settings.data / KEY_FILE
    if not file.exists() and (await store.key_check() is not None or await store.audit_heads()):
        raise WrongKey(key_place(settings), "there is none")
    return await asyncio.to_thread(read_or_make_key, file)


class KeyCheck:
    """Compares the key of a start with that of its store."""

    def __init__(self, settings: Settings, master: SealedSecret, store: port.Store) -> None:
        self._place = key_place(settings)
        self._master = master
        self._store = store
        self._is_known = False

    async def unlock(self) -> tuple[Vault, Keys]:
        """Return what opens the secrets of the store, and its keys. Raise WrongKey where it was
        served with another key: nothing was written then; StoreDown."""
        known = await self._store.key_check()
        self._is_known = known is not None
        if known is None and not await self._has_sealed():
            raise WrongKey(self._place)
        vault = unlock(self._master, known, self._place)
        return vault, keys_of(self._master, vault, await self._store.kept_keys())

    async def guard(
        self, through: StepRunner, load: Callable[[StepRunner], Awaitable[None]]
    ) -> None:
        """Load what is stored, and have the store known by the key that has opened it."""
        await load(through)
        await through(self.keep)

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
