"""Names to addresses, under a deadline, on a thread of its own.

Why not the platform's resolver: asyncio asks it on a small shared pool, where a dozen names whose
servers do not answer delay every other look-up by many seconds (measured: 19.9 s with 12 names on
two cores). c-ares asks all at once. Nothing here judges an address; that is `Policy`.

Who is to blame for a name that cannot be looked up: "no such name" and "no address" are the
receiver's. No answer, or "server failure", is ours, unless our name server has just answered
something else: then it works, and the name's own servers do not.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Protocol

import msgspec
import pycares
from pycares import errno as ares

from tidings.core.delivery.exchange import FaultKind
from tidings.core.shares.table import SharedTable

LOOKUP_S = 2.5
KEEP_MAX_S = 30.0
KEEP_MIN_S = 1.0  # also for TTL 0: what was checked is what is dialled, so a second is safe
KEEP_FAILED_S = 5.0
KEEP_OURS_S = 1.0
NAMES_MAX = 10_000  # of the domain with most of them the oldest go
SERVER_ALIVE_S = 30.0

_TRY_S = 0.8  # c-ares doubles it for the second try: 2.4 s in all
_NO_ADDRESS = (ares.ARES_ENOTFOUND, ares.ARES_ENODATA, ares.ARES_EBADNAME)
_HOSTS_CHECK_S = 1.0


class NameAddresses(msgspec.Struct, frozen=True):
    """All addresses of a name, IPv4 first, in the order of the answer."""

    addresses: tuple[str, ...]
    fresh_until: float  # on the monotonic clock


class ResolutionFault(msgspec.Struct, frozen=True):
    """No address: whose fault that is, and what to tell the webhook's owner."""

    kind: FaultKind
    detail: str


Kept = tuple[NameAddresses | ResolutionFault, float]  # until when


class Resolver(Protocol):
    """Resolves names for the sender. Tests pass their own."""

    async def resolve(self, name: str, deadline_s: float) -> NameAddresses | ResolutionFault:
        """Resolve a name to all its addresses. Never raises, except CancelledError."""

    async def close(self) -> None:
        """Stop the thread. Idempotent."""


class HostsFile:
    """The machine's own table of names (`/etc/hosts`), read again when it changes.

    `localhost` is always known, whatever the file says or lacks.
    """

    def __init__(self, path: Path = Path("/etc/hosts")) -> None:
        self._path = path
        self._checked = float("-inf")
        self._stamp: tuple[int, int] | None = None
        self._names: dict[str, tuple[str, ...]] = {}

    def find(self, name: str) -> tuple[str, ...]:
        """Find the addresses of a lower-case name, or none."""
        now = time.monotonic()
        if now - self._checked >= _HOSTS_CHECK_S:
            self._checked = now
            self._read_if_changed()
        found = self._names.get(name, ())
        if not found and (name == "localhost" or name.endswith(".localhost")):
            return ("127.0.0.1", "::1")  # RFC 6761, 6.3: never asked of a name server
        return found

    def _read_if_changed(self) -> None:
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            if stamp == self._stamp:
                return
            text = self._path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            self._stamp, self._names = None, {}
            return
        self._stamp, self._names = stamp, _names_of(text)


def _names_of(text: str) -> dict[str, tuple[str, ...]]:
    names: dict[str, list[str]] = {}
    for line in text.splitlines():
        fields = line.partition("#")[0].split()
        try:
            address = str(ip_address(fields[0])) if len(fields) > 1 else ""
        except ValueError:
            continue
        for name in fields[1:]:
            known = names.setdefault(name.lower(), [])
            if address not in known:
                known.append(address)
    return {name: tuple(addresses) for name, addresses in names.items()}


class CaresResolver:
    """The resolver of one process and one event loop: cached, bounded, one question per name."""

    def __init__(self, nameservers: Sequence[str] = (), hosts: HostsFile | None = None) -> None:
        # Without `sock_state_cb` c-ares runs its own event thread and socket. No search domains: a
        # webhook's name is absolute, and `hook` must not become `hook.inside.example`.
        self._channel = pycares.Channel(
            timeout=_TRY_S,
            tries=2,
            flags=pycares.ARES_FLAG_NOSEARCH | pycares.ARES_FLAG_EDNS,
            servers=list(nameservers) or None,
        )
        self._hosts = hosts or HostsFile()
        self._known = SharedTable[str, str, Kept](NAMES_MAX)
        self._asked: dict[str, asyncio.Task[NameAddresses | ResolutionFault]] = {}
        self._answered_at = float("-inf")
        self._closed = False

    async def resolve(self, name: str, deadline_s: float) -> NameAddresses | ResolutionFault:
        """Look a lower-case ASCII name up: hosts file, cache, DNS, in that order."""
        now = time.monotonic()
        listed = self._hosts.find(name)
        if listed:
            return NameAddresses(addresses=_ipv4_first(listed), fresh_until=now + KEEP_MIN_S)
        found = self._known.get(name)
        if found is not None and now < found[1]:
            return found[0]
        if self._closed:
            return ResolutionFault(FaultKind.OURS, "Tidings is stopping and looks no names up.")
        task = self._asked.get(name)
        if task is None:
            task = asyncio.create_task(self._ask(name))
            self._asked[name] = task
            task.add_done_callback(lambda _: self._asked.pop(name, None))
        try:
            async with asyncio.timeout(min(deadline_s, LOOKUP_S)):
                return await asyncio.shield(task)
        except TimeoutError:
            return self._unanswered(name)

    async def close(self) -> None:
        """Stop the thread. Questions under way end unanswered."""
        self._closed = True
        self._channel.close()
        self._known.clear()

    async def _ask(self, name: str) -> NameAddresses | ResolutionFault:
        questions = [
            self._question(name, kind) for kind in (pycares.QUERY_TYPE_A, pycares.QUERY_TYPE_AAAA)
        ]
        await asyncio.wait(questions, timeout=LOOKUP_S)
        addresses: list[str] = []
        keep_s = KEEP_MAX_S
        codes = []
        for question in questions:
            result, code = question.result() if question.done() else (None, ares.ARES_ETIMEOUT)
            codes.append(code)
            for record in result.answer if result is not None else ():
                keep_s = min(keep_s, record.ttl)
                if isinstance(record.data, pycares.ARecordData | pycares.AAAARecordData):
                    addresses.append(str(record.data.addr))
        now = time.monotonic()
        if any(code in (ares.ARES_SUCCESS, *_NO_ADDRESS) for code in codes):
            self._answered_at = now
        ending: NameAddresses | ResolutionFault
        if addresses:
            # One family may have failed: nothing of it is known, so nothing of it can be dialled.
            fresh_until = now + max(keep_s, KEEP_MIN_S)
            ending = NameAddresses(addresses=_ipv4_first(addresses), fresh_until=fresh_until)
        elif all(code in (ares.ARES_SUCCESS, *_NO_ADDRESS) for code in codes):
            ending = ResolutionFault(FaultKind.DNS, _no_address(name, codes))
            fresh_until = now + KEEP_FAILED_S
        else:
            ending = self._unanswered(name)
            fresh_until = now + (KEEP_OURS_S if ending.kind is FaultKind.OURS else KEEP_FAILED_S)
        self._keep(name, ending, fresh_until)
        return ending

    def _question(
        self, name: str, kind: int
    ) -> "asyncio.Future[tuple[pycares.DNSResult | None, int]]":
        loop = asyncio.get_running_loop()
        future: asyncio.Future[tuple[pycares.DNSResult | None, int]] = loop.create_future()

        def settle(result: pycares.DNSResult | None, code: int) -> None:
            if not future.done():
                future.set_result((result, code))

        def answered(result: pycares.DNSResult | None, code: int | None) -> None:
            # On c-ares' thread. The loop may be gone by now.
            _quietly(lambda: loop.call_soon_threadsafe(settle, result, code or 0))

        try:
            self._channel.query(name, kind, callback=answered)
        except pycares.AresError as error:
            settle(None, error.args[0] if error.args else ares.ARES_ESERVFAIL)
        except RuntimeError:  # closed between the check and here
            settle(None, ares.ARES_ECANCELLED)
        return future

    def _unanswered(self, name: str) -> ResolutionFault:
        if time.monotonic() - self._answered_at < SERVER_ALIVE_S:
            return ResolutionFault(
                FaultKind.DNS,
                f"The name servers of {name} give no answer. Check the domain's DNS records.",
            )
        return ResolutionFault(
            FaultKind.OURS,
            f"The name server that Tidings uses gives no answer for {name}. Check the server's DNS "
            "settings (/etc/resolv.conf); this is not the receiver's fault.",
        )

    def _keep(self, name: str, ending: NameAddresses | ResolutionFault, until: float) -> None:
        self._known.put(_domain_of(name), name, (ending, until))


def _domain_of(name: str) -> str:
    """Return the last two labels of a name: whoever has one name there may make as many as they
    like."""
    return ".".join(name.rsplit(".", 2)[-2:])


def _ipv4_first(addresses: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(dict.fromkeys(addresses), key=lambda address: ":" in address))


def _no_address(name: str, codes: list[int]) -> str:
    if ares.ARES_ENOTFOUND in codes or ares.ARES_EBADNAME in codes:
        return f"The name {name} does not exist in the DNS. Check the webhook's URL."
    return f"The name {name} has no address in the DNS. Add an A or AAAA record for it."


def _quietly(call: Callable[[], object]) -> None:
    try:
        call()
    except RuntimeError:
        pass
