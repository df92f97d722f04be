"""A call of `POST /v1/events` under way: what its answer asks of it, and how long it has taken.

Apart from `accept.py`, whose length it would exceed.
"""

from collections.abc import Callable, MutableMapping
from time import monotonic
from typing import Any

from tidings.api.http.refusals import Answer, request_id
from tidings.core.ids import OrgId
from tidings.core.running.histogram import LabelledHistograms
from tidings.engine.access.limits import Allowance
from tidings.engine.events.tracing import CallSpan

ObserveOrg = Callable[[OrgId, float], None]
_CLASSES = tuple((f"{digit}xx",) for digit in range(10))


class AcceptCall:
    """A call under way, as far as its answer asks it."""

    __slots__ = (
        "_began_s",
        "_observe_org",
        "_timings",
        "allowance",
        "headers",
        "of_many",
        "org",
        "read",
        "request",
        "scope",
        "span",
    )

    def __init__(
        self,
        headers: dict[bytes, bytes],
        new_request_id: Callable[[], str],
        scope: Callable[[], MutableMapping[str, Any]],
        timings: LabelledHistograms,
        observe_org: ObserveOrg | None = None,
    ) -> None:
        """`timings` counts how long it takes from now to its answer, by the answer's class;
        `observe_org` counts, by its org, one that was accepted."""
        self._began_s, self._timings = monotonic(), timings
        self._observe_org = observe_org
        self.headers = headers
        self.scope = scope
        self.request = request_id(headers, new_request_id)
        self.read = False  # its body was read to the end
        self.org: OrgId | None = None  # the one that all of its events are of
        self.of_many = False  # its events may be of orgs of several families
        self.allowance: Allowance | None = None  # of a caller whose events are counted
        self.span: CallSpan | None = None  # where it is recorded

    def completed(self, answer: Answer) -> Answer:
        """Add what its caller may send still, where that is counted; it is answered with this."""
        if self.allowance is not None:
            answer[1].extend(self.allowance.headers)
        if self.span is not None:
            self.span.end(answer[0])
        took_s = monotonic() - self._began_s
        self._timings.observe(_CLASSES[answer[0] // 100], took_s)
        if self.org is not None and self._observe_org is not None and answer[0] < 300:
            self._observe_org(self.org, took_s)
        return answer
