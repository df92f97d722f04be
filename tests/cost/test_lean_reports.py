"""Workers leave out of their reports what nobody asks for, and nothing of what has gone wrong."""

from typing import Any, cast

import pytest

from tests.cost.lean_reports import is_asked_for, say_less


class WorkerInteractor:
    """As pytest-xdist has it in a worker."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def sendevent(self, name: str, **of: Any) -> None:
        self.sent.append(name)


@pytest.mark.parametrize("when", ["setup", "call", "teardown"])
@pytest.mark.parametrize("outcome", ["passed", "failed", "skipped"])
@pytest.mark.parametrize("sections", [[], [("Captured stdout call", "a line")]])
def test_all_is_said_but_that_there_was_nothing_around_a_call(
    when: str, outcome: str, sections: list[tuple[str, str]]
) -> None:
    data = {"when": when, "outcome": outcome, "sections": sections}
    nothing = when != "call" and outcome == "passed" and not sections
    assert is_asked_for("testreport", data) is not nothing


class Config:
    """Of a worker: its option, and the plugin that speaks to the main process."""

    def __init__(self, durations: int | None) -> None:
        self.durations = durations
        self.worker = WorkerInteractor()
        self.pluginmanager = self

    def getoption(self, name: str, default: object) -> int | None:
        return {"durations": self.durations, "xmlpath": None}[name]

    def get_plugins(self) -> list[object]:
        return [self, self.worker]


def test_a_worker_sends_what_is_asked_for_and_all_of_it_where_durations_are() -> None:
    passed = {"when": "setup", "outcome": "passed", "sections": []}
    for durations, sent in ((None, ["logfinish"]), (10, ["logstart", "testreport", "logfinish"])):
        config = Config(durations)
        say_less(cast(pytest.Config, config))
        config.worker.sendevent("logstart", nodeid="a")
        config.worker.sendevent("testreport", data=passed)
        config.worker.sendevent("logfinish", nodeid="a")
        assert config.worker.sent == sent
