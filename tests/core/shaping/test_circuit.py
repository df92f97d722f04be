"""The circuit: a few failures in a row, a pause, one question, and back."""

from tidings.core.shaping.circuit import FAILURES_MAX, PAUSE_MAX_S, PAUSE_S, Circuit


def opened(at_s: float = 0.0) -> Circuit:
    circuit = Circuit()
    told = [circuit.failed(at_s) for _ in range(FAILURES_MAX)]
    assert told == [False] * (FAILURES_MAX - 1) + [True]
    return circuit


def test_it_opens_after_failures_in_a_row_only() -> None:
    circuit = Circuit()
    for _ in range(3):
        for _ in range(FAILURES_MAX - 1):
            circuit.failed(0.0)
        circuit.succeeded()
    assert not circuit.open and circuit.admits(0.0) and circuit.wait_s(0.0) == 0


def test_an_open_one_asks_once_after_each_pause_and_the_pauses_double() -> None:
    circuit, now_s, pause_s = opened(), 0.0, PAUSE_S
    for _ in range(6):
        assert circuit.wait_s(now_s) == pause_s
        assert not circuit.admits(now_s + pause_s - 0.1)
        now_s += pause_s
        assert circuit.admits(now_s) and not circuit.admits(now_s)
        assert circuit.wait_s(now_s) == 1.0, "the question under way must end first"
        assert not circuit.failed(now_s)
        pause_s = min(PAUSE_MAX_S, 2 * pause_s)
    assert circuit.wait_s(now_s) == PAUSE_MAX_S


def test_an_answer_closes_it_and_forgets_the_pauses() -> None:
    circuit, now_s = opened(), PAUSE_S
    assert circuit.admits(now_s)
    circuit.failed(now_s)  # twice the pause
    now_s += 2 * PAUSE_S
    assert circuit.admits(now_s)
    circuit.succeeded()
    assert not circuit.open and circuit.admits(now_s) and circuit.admits(now_s)
    for _ in range(FAILURES_MAX):
        assert not circuit.open, "it takes as many failures as at first"
        circuit.failed(now_s)
    assert circuit.wait_s(now_s) == PAUSE_S


def test_failures_begun_before_it_opened_do_not_lengthen_the_pause() -> None:
    circuit = opened()
    circuit.failed(3.0)
    assert circuit.wait_s(3.0) == PAUSE_S - 3.0


def test_a_question_that_was_given_up_may_be_asked_again() -> None:
    circuit = opened()
    assert circuit.admits(PAUSE_S)
    circuit.unknown()
    assert circuit.admits(PAUSE_S)
