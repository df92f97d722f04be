"""Whoever tells of ends that are no success hears with what it ended, and why nothing was made."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from tidings.core.delivery.exchange import Ending, FaultKind, ReceiverAnswer, TransportFault
from tidings.core.delivery.outcome import Delivered, Failed, Outcome, Retry
from tidings.engine.engine import Engine

UNMADE = TransportFault(FaultKind.TRANSFORM, False, "It takes too many steps.", 1.0)
REFUSED = TransportFault(FaultKind.REFUSED, False, "Nobody listens.", 1.0)
ANSWER = ReceiverAnswer(410, (), b"", False, 1.0)
AGAIN = Retry(1.0)


class Heard:
    """Hears of ends."""

    def __init__(self) -> None:
        self.ends: list[tuple[str, str]] = []

    def ended(self, webhook: object, job: object, cause: str, why: str) -> None:
        """See `Notices.ended`."""
        self.ends.append((cause, why))


@pytest.mark.parametrize(
    ("ending", "outcome", "heard"),
    [
        (ANSWER, Failed(exhausted=False), [("410", "")]),
        (REFUSED, Failed(exhausted=True), [(FaultKind.REFUSED.value, "")]),
        (UNMADE, Failed(exhausted=False), [(FaultKind.TRANSFORM.value, UNMADE.detail)]),
        (ReceiverAnswer(200, (), b"", False, 1.0), Delivered(), []),
        (REFUSED, AGAIN, []),
    ],
)
def test_the_cause_and_why_nothing_was_made_are_told_apart(
    ending: Ending, outcome: Outcome, heard: list[tuple[str, str]]
) -> None:
    ends = Heard()
    engine: Any = SimpleNamespace(
        _metrics=SimpleNamespace(attempted=lambda *attempt: None),
        _failures=ends,
        _feed=SimpleNamespace(listening=False),
        _drains=SimpleNamespace(open=False),
        _runs=SimpleNamespace(hear=lambda *attempt: None),
    )
    webhook = cast(Any, SimpleNamespace(kind="HTTP"))
    job = cast(Any, SimpleNamespace(passage=None))
    Engine.observe(engine, webhook, job, 0, ending, outcome)
    assert ends.ends == heard
