"""The API that the actions of a trial call, and its own books of what it has done."""

import threading
from typing import Any

from tests.stand_ins.base import StandIn, told
from tests.stand_ins.calls import Answer, Call, in_json

KEY = "idempotency-key"


class BrandApi(StandIn):
    """A call with an `Idempotency-Key` has its effect once; one without has it each time."""

    page = ""  # nobody's: it has no contract but this
    routes = (("POST", "/{kind}", "_do"),)

    def __init__(self, **how: Any) -> None:
        super().__init__(**how)
        self._done: list[dict[str, Any]] = []
        self._known: set[tuple[str, str]] = set()
        self._writing = threading.Lock()

    @told
    def done(self) -> list[dict[str, Any]]:
        """Every effect so far, in order: `kind event customer number`."""
        return self._done

    @told
    def count(self, kind: str) -> int:
        """How many effects of this kind."""
        return sum(row["kind"] == kind for row in self._done)

    def _do(self, call: Call, kind: str) -> Answer:
        key = call.headers.get(KEY)
        with self._writing:
            if key is None or (kind, key) not in self._known:
                self._known.add((kind, key or ""))
                self._done.append({"kind": kind} | call.json())
        return in_json(200, {"status": "done"})
