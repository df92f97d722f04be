"""A call with an `Idempotency-Key` is made once: again within 24 hours, it is answered the same.

The call is noted before it does anything, and its answer after, so that no crash makes a second
one: where the answer was lost, the same call is refused, and its caller looks what there is. The
answer is sealed, for it may show a secret, and is found by the credential that made the call alone:
a key that somebody else uses is another call. Only the calls of one process run at one time; two
at once wait for each other.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Coroutine, Set
from typing import Any

import msgspec

from tidings.core.ids import OrgId
from tidings.core.sealed_columns import CALL_ANSWER
from tidings.engine.vault import Vault
from tidings.engine.webhooks.faults import KeyReused
from tidings.errors import Conflict, FieldRefusal, Throttled
from tidings.store import port

HEADER = "Idempotency-Key"
ANSWER_BYTES_MAX = 32 * 1024  # of an answer that is kept
_DIGEST_BYTES = 16


class KeptAnswer(msgspec.Struct, frozen=True, array_like=True):
    """An answer as it went out."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    grants: list[str] = []  # what its caller might do then: nobody who may do less is shown it


class AsksForCall(msgspec.Struct, frozen=True):
    """The caller of a keyed call, with its key and body."""

    org: OrgId
    who: str
    call: str  # its method and path
    key: str
    body: bytes
    grants: Set[str] = frozenset()  # what who calls may do now

    @property
    def place(self) -> bytes:
        """Return the digest that it is found by."""
        named = (str(self.org), self.who, self.call, self.key)
        return hashlib.blake2b("\n".join(named).encode(), digest_size=_DIGEST_BYTES).digest()

    @property
    def digest(self) -> bytes:
        """Compute the digest of the body."""
        return hashlib.blake2b(self.body, digest_size=_DIGEST_BYTES).digest()


class OutcomeUnknown(Conflict):
    """The first call was cut off, or answered too much to be kept."""

    def __init__(self) -> None:
        message = (
            "Idempotency-Key must belong to a call whose answer was stored; the first call with "
            "this key was made, but its answer was not stored. Check whether that call took "
            "effect; if not, use a new key."
        )
        super().__init__(FieldRefusal.build("already_made", message, header="Idempotency-Key"))


class AnswerWithheld(Conflict):
    """The answer is of a time at which the credential could do more, and may show a secret."""

    def __init__(self) -> None:
        message = (
            "Idempotency-Key must belong to a call whose credential still has all its scopes; some "
            "were removed since, so the stored answer is not returned. Check whether that call "
            "took effect; if not, use a new key."
        )
        super().__init__(FieldRefusal.build("already_made", message, header="Idempotency-Key"))


class TooManyKeys(Throttled):
    """The org's places are taken: none is given up before its time, for it would be made twice."""

    def __init__(self) -> None:
        message = (
            f"At most {port.KEYED_MAX} calls of an org may use an Idempotency-Key in 24 hours; got "
            "one more. Call without it."
        )
        super().__init__(FieldRefusal.build("too_many_keys", message, header="Idempotency-Key"))


class KeyedCalls:
    """The calls of all orgs."""

    def __init__(self, store: port.KeyedCallStore, vault: Vault) -> None:
        self._store = store
        self._vault = vault
        self._turns: dict[bytes, tuple[asyncio.Lock, int]] = {}
        self._running: set[asyncio.Task[tuple[KeptAnswer, bool]]] = set()

    async def _first(self, asked: AsksForCall) -> KeptAnswer | None:
        """Return the answer that the call has already got; None if the call is new, which is now
        noted."""
        begun = await self._store.begin_call(port.KeyedCall(asked.place, asked.org, asked.digest))
        if begun.full:
            raise TooManyKeys
        if begun.first is None:
            return None
        if begun.first.body != asked.digest:
            raise KeyReused
        if not begun.first.answer:
            raise OutcomeUnknown
        place = CALL_ANSWER.at(asked.place)
        plain = self._vault.open_at(begun.first.answer, place, "The answer of a call")
        kept = msgspec.msgpack.decode(plain, type=KeptAnswer)
        if not set(kept.grants) <= asked.grants:
            raise AnswerWithheld
        return kept

    async def run(
        self, answering: Coroutine[Any, Any, tuple[KeptAnswer, bool]]
    ) -> tuple[KeptAnswer, bool]:
        """Return what a call comes to. A caller who goes does not cut it off."""
        task = asyncio.create_task(answering)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    @contextlib.asynccontextmanager
    async def turn(self, asked: AsksForCall) -> AsyncIterator[KeptAnswer | None]:
        """Hold off the same call meanwhile. Yields the answer that it has got before; None where it
        is new, and noted: `end` it then."""
        async with self._turn(asked.place):
            yield await self._first(asked)

    async def end(self, asked: AsksForCall, answer: KeptAnswer) -> None:
        """Keep what a new call was answered."""
        with contextlib.suppress(port.StoreDown):  # it was made, and its caller is told so
            await self._keep(asked, answer)

    async def _keep(self, asked: AsksForCall, answer: KeptAnswer) -> None:
        place = asked.place
        if not 200 <= answer.status < 300:
            await self._store.end_call(place, None)
        elif len(answer.body) <= ANSWER_BYTES_MAX:
            answer = msgspec.structs.replace(answer, grants=sorted(asked.grants))
            sealed = self._vault.seal_at(msgspec.msgpack.encode(answer), CALL_ANSWER.at(place))
            await self._store.end_call(place, sealed)

    @contextlib.asynccontextmanager
    async def _turn(self, place: bytes) -> AsyncIterator[None]:
        lock, waiting = self._turns.get(place, (asyncio.Lock(), 0))
        self._turns[place] = lock, waiting + 1
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._turns[place]
            if waiting == 1:
                del self._turns[place]
            else:
                self._turns[place] = lock, waiting - 1
