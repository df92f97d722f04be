"""A token that is fetched, kept for whoever sends it, and renewed in time: what is the same of it
wherever it comes from.

An attempt with a good token waits for nothing: another one is fetched behind it, before the first
ends. However many attempts wait for a token, it is asked for once.
"""

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from time import monotonic

from tidings.core.delivery.access_tokens import (
    FAILED_EARLY_S,
    FAILED_S,
    AccessToken,
    TokenMissing,
    ended_already,
    too_slow,
    worth_another,
)
from tidings.core.delivery.exchange import Ending, FaultKind, TransportFault
from tidings.destinations.http.authentication.authenticator import Ask, Header
from tidings.destinations.port import Headers

ASK_S = 10.0  # for one question to a token endpoint
UNAUTHORIZED = 401


class TokenProof(ABC):
    """See `Authenticator`. Its kinds say what is asked, and what the answer means."""

    lasts = False

    def __init__(
        self,
        ask: Ask,
        now_s: Callable[[], float],
        *,
        passed_s: Callable[[], float] = monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """`now_s` since the epoch, `passed_s` of a clock that is never set; `jitter` from 0 to 1:
        when a token is renewed, so that not all are at once."""
        self._ask = ask
        self._now_s = now_s
        self._passed_s = passed_s
        self._jitter = jitter
        self._token: AccessToken | None = None
        self._header: Header = ("", "")  # of that token
        self._accepted = False  # a receiver has taken it
        self._replaces = False  # it was asked for because one was refused
        self._missing: TokenMissing | None = None  # what the last question brought instead
        self._missed_s = 0.0  # and when
        self._asking: asyncio.Task[None] | None = None

    @abstractmethod
    def _question(self) -> tuple[str, Headers, bytes]:
        """The URL, headers and body that a token is asked for with."""

    @abstractmethod
    def _read(
        self, ending: Ending, asked_s: float, now_s: float, jitter: float
    ) -> AccessToken | TokenMissing:
        """Read the answer to the question."""

    @abstractmethod
    def _sent_as(self, token: str) -> Header:
        """The header that shows it to the receiver."""

    def at_hand(self) -> Header | None:
        token = self._token
        if token is None:
            return None
        now_s = self._passed_s()
        if now_s >= token.refresh_s:
            if now_s >= token.ends_s:
                return None
            if self._missing is None or now_s >= self._missed_s + FAILED_EARLY_S:
                self._begin()
        return self._header

    async def fetched(self, deadline_s: float) -> Header | TransportFault:
        began_s = self._passed_s()
        if self._missing is not None and began_s < self._missed_s + FAILED_S:
            return self._fault(self._missing, began_s)
        asking = self._begin()
        await asyncio.wait({asking}, timeout=max(0.0, deadline_s))
        if (header := self.at_hand()) is not None:
            return header
        if not asking.done():
            return self._fault(too_slow(deadline_s), began_s)
        return self._fault(self._missing or _BROKEN_OFF, began_s)

    def another(self, header: Header, status: int) -> bool:
        if status != UNAUTHORIZED:
            if header is self._header and 200 <= status <= 299:
                self._accepted = True
            return False
        token = self._token
        if header is not self._header or token is None:
            return True  # it has been given up meanwhile: there is another, or there will be
        now_s = self._passed_s()
        if not worth_another(token, replaces=self._replaces, accepted=self._accepted, now_s=now_s):
            return False
        self._token, self._replaces = None, True
        return True

    def secrets(self) -> Headers:
        return []

    async def close(self) -> None:
        asking, self._asking = self._asking, None
        if asking is not None:
            asking.cancel()

    def _begin(self) -> "asyncio.Task[None]":
        """The question that is under way, or one that begins now."""
        if self._asking is None:
            self._asking = asyncio.get_running_loop().create_task(self._fetch())
        return self._asking

    async def _fetch(self) -> None:
        try:
            url, headers, body = self._question()
            began_s = self._passed_s()
            ending = await self._ask(url, headers, body, ASK_S)
            fetched = self._read(ending, began_s, self._now_s(), self._jitter())
            if isinstance(fetched, AccessToken) and self._passed_s() >= fetched.ends_s:
                fetched = ended_already()
            if isinstance(fetched, AccessToken):
                self._replaces = self._replaces and self._token is None
                self._token, self._accepted = fetched, False
                self._header = self._sent_as(fetched.value)
                self._missing = None
            else:
                self._missing, self._missed_s = fetched, self._passed_s()
        finally:
            if self._asking is asyncio.current_task():
                self._asking = None

    def _fault(self, why: TokenMissing, began_s: float) -> TransportFault:
        kind = FaultKind.OURS if why.ours else FaultKind.TOKEN
        return TransportFault(
            kind,
            False,
            why.detail,
            duration_ms=(self._passed_s() - began_s) * 1e3,
            wait_s=why.wait_s,
        )


_BROKEN_OFF = TokenMissing("Tidings stopped asking for a token, so nothing was sent.", ours=True)
