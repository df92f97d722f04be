"""Look-ups by HTTP: GET a URL with holes, over the guarded way out.

200 with a JSON object is a record, or holds it at `take`; 204, 404 and 410 say that there is none,
and so does a 200 in which nothing stands at `take`. 400, 414, 422 and 431 blame the question, which
would be refused again: the action fails with it, and is seen, instead of being skipped unseen.
Everything else says that nobody answers as they must, and is asked again later: 401 and 403 too,
since a credential can be mended, and 429 and 503 not before the time that they name. Redirects are
not followed, nothing is unpacked, and an answer has at most 16 KiB, or as many as the look-up says.
Numbers keep their digits.

Nothing of an answer is told but its status.
"""

from collections.abc import Callable, Mapping
from typing import Any

from tidings.core.actions.action import HttpLookup
from tidings.core.actions.context import Unmade, find
from tidings.core.actions.placeholders import fill, origin_of
from tidings.core.delivery.exchange import (
    AttemptResult,
    DeliveryVerdict,
    Ending,
    FaultKind,
    TransportFault,
)
from tidings.core.delivery.statuses import retry_after_s
from tidings.destinations.http.authentication.authenticator import Authenticator, Header
from tidings.destinations.http.proven import send_proven
from tidings.egress.port import OriginServer
from tidings.lookups.port import LookupDown, LookupRefused
from tidings.lookups.records import LookupRecordUnfit, read_record

NONE = (204, 404, 410)
REFUSED = (400, 414, 422, 431)
DENIED = (401, 403)
LARGE = "Ask for less of it, or raise answer_kib."
_UNREACHED = {
    FaultKind.REFUSED: ("nobody listens at its port", "See that it runs"),
    FaultKind.UNREACHABLE: ("no way leads there", "Check its address and network"),
    FaultKind.CONNECT_TIMEOUT: ("it took no connection in time", "See that it runs"),
    FaultKind.TIMEOUT: ("it did not answer in time", "Let it answer sooner, or raise deadline"),
    FaultKind.DNS: ("its name has no address", "Check the url"),
    FaultKind.TLS: ("no TLS with it comes about", "Check its certificate"),
    FaultKind.PROTOCOL: ("what it answers is not HTTP", "Check the url"),
    FaultKind.POLICY: ("its address is blocked by policy", "Have the operator allow it"),
    FaultKind.OURS: ("Tidings could not ask it", "It is asked again by itself"),
}
_CLOSED = "it closed the connection without an answer", "It is asked again by itself"


class HttpSource:
    """See `LookupBackend`."""

    def __init__(
        self,
        where: HttpLookup,
        origin: OriginServer,
        proof: Authenticator | None,
        now_s: Callable[[], float],
    ) -> None:
        """`origin`: the connections to the URL's own; `proof` of the credential; `now_s` since the
        epoch, for dates in answers."""
        self._where = where
        self._origin = origin
        self._proof = proof
        self._now_s = now_s
        names = {name.lower() for name, _ in where.headers}
        self._headers = list(where.headers)
        if "accept" not in names:
            self._headers.append(("Accept", "application/json"))

    async def find(self, values: Mapping[str, Any], deadline_s: float) -> dict[str, Any] | None:
        try:
            url = fill(self._where.url, values)
        except Unmade as unmade:
            raise LookupRefused(unmade.reason) from None
        path = url[len(origin_of(url)) :]
        return self._read(await self._asked(path if path[:1] == "/" else "/" + path, deadline_s))

    async def check(self) -> str | None:
        return None

    async def close(self) -> None:
        await self._origin.close()

    # -- inside -----------------------------------------------------------------------------------

    async def _asked(self, path: str, deadline_s: float) -> Ending:
        """Ask, and return how the question ended; ask once more with another token, where the first
        is refused and there is time."""

        async def ask(header: Header, left_s: float) -> Ending:
            return await self._origin.get(path, [*self._headers, header], left_s)

        if self._proof is None:
            return await self._origin.get(path, self._headers, deadline_s)
        result = await send_proven(self._proof, deadline_s, ask, _unjudged)
        assert result is not None  # that is of what may not leave any more
        return result.ending

    def _read(self, ending: Ending) -> dict[str, Any] | None:
        if isinstance(ending, TransportFault):
            raise _unreached(ending)
        status = ending.status
        if status in NONE:
            return None
        if status in REFUSED:
            raise LookupRefused(
                f"Its server must take the question; it answered {status}. Check the url, and the "
                "values at its paths."
            )
        if status != 200:
            raise LookupDown(_otherwise(status), retry_after_s(ending.headers, self._now_s()))
        try:
            most = self._where.answer_kib << 10
            answer = read_record(ending.body, whole=not ending.truncated, most=most, do=LARGE)
        except LookupRecordUnfit as unfit:
            message = f"Its server must answer {unfit.must}; got {unfit.got}. {unfit.do}"
            raise (LookupRefused if unfit.lasts else LookupDown)(message) from None
        return self._taken(answer)

    def _taken(self, answer: dict[str, Any]) -> dict[str, Any] | None:
        if not self._where.take:
            return answer
        found = find(answer, self._where.take)
        if found is None or isinstance(found, dict):
            return found
        raise LookupDown(
            f"Its server must answer with an object at {self._where.take}; there is something "
            "else. Correct take."
        )


def _unjudged(ending: Ending, header: Header) -> AttemptResult:
    return AttemptResult(
        DeliveryVerdict.AGAIN, ending
    )  # what it means for a record is said in `_read`


def _unreached(fault: TransportFault) -> LookupDown:
    if fault.kind is FaultKind.TOKEN:
        return LookupDown(fault.detail, fault.wait_s)
    got, do = _UNREACHED.get(fault.kind, _CLOSED)
    return LookupDown(f"Its server must answer; {got}. {do}.", fault.wait_s)


def _otherwise(status: int) -> str:
    must = f"Its server must answer 200, or 404 for none; got {status}."
    if status in DENIED:
        return f"{must} Check the credential, and what it may read."
    if 300 <= status <= 399:
        return f"{must} Redirects are not followed: set url to the final address."
    return f"{must} It is asked again by itself."
