"""Caps at work: what is asked at the same time is written in one transaction."""

import asyncio
import hashlib

from tidings.core.actions.action import Cap
from tidings.core.ids import DeliveryId
from tidings.store import port

DIGEST_BYTES = 16
AT_ONCE_MAX = 500


class Caps:
    """Asks the store for all who wait, while it writes for others."""

    def __init__(self, store: port.CapStore) -> None:
        self._store = store
        self._waiting: list[tuple[port.CapUse, asyncio.Future[int | None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def take(self, webhook: int, cap: Cap, subject: str, delivery: DeliveryId) -> int | None:
        """Count a delivery for a subject; in milliseconds since 1970 when one is admitted again,
        where it is not. StoreDown."""
        digest = hashlib.blake2b(subject.encode(), digest_size=DIGEST_BYTES).digest()
        use = port.CapUse(
            webhook, digest, delivery, most=cap.most, within_ms=round(cap.within_s * 1000)
        )
        granted: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((use, granted))
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write())
        return await granted

    async def _write(self) -> None:
        try:
            while self._waiting:
                asked, self._waiting = self._waiting[:AT_ONCE_MAX], self._waiting[AT_ONCE_MAX:]
                try:
                    answers = await self._store.take_caps([use for use, _ in asked])
                except Exception as error:  # whoever waits hears of it, whatever it is
                    for _, granted in asked:
                        if not granted.done():
                            granted.set_exception(error)
                    continue
                for (_, granted), answer in zip(asked, answers, strict=True):
                    if not granted.done():
                        granted.set_result(answer)
        finally:
            self._writing = None
