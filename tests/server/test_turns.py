"""Who begins its next call: as many as fit in a round, and nobody waits behind a crowd."""

from tidings.server.turns import SLICE_S, CallerLine, ConnectionTurns, TurnLine


def begun(line: TurnLine[int] | CallerLine[int], gone: frozenset[int] = frozenset()) -> list[int]:
    """Those that have their turn in this round."""
    found: list[int] = []

    def begin(number: int) -> bool:
        if number in gone:
            return False
        found.append(number)
        return True

    if isinstance(line, CallerLine):
        line.next_ones(lambda: 1_000_000, begin)
    else:
        line.next_ones(lambda: True, begin)
    return found


def test_long_rounds_have_fewer_calls_and_short_ones_more() -> None:
    line: TurnLine[int] = TurnLine(1, 64, newest_too=False)
    for number in range(1000):
        line.wait(number, fresh=True)
    sizes = []
    for _ in range(8):
        line.refill(2 * SLICE_S)
        sizes.append(len(begun(line)))
    assert sizes == [32, 16, 8, 4, 2, 1, 1, 1]
    for _ in range(3):
        line.refill(SLICE_S / 4)
        sizes.append(len(begun(line)))
    assert sizes[-3:] == [2, 4, 8]


def test_a_line_of_kept_calls_is_never_shorter_than_its_least() -> None:
    turns: ConnectionTurns[int] = ConnectionTurns()
    for _ in range(30):
        turns.refill(1.0)
    assert turns.kept.left == 256
    assert turns.others.left == 1


def test_who_came_alone_goes_before_who_sent_many_and_those_move_all_the_same() -> None:
    line: TurnLine[int] = TurnLine(8, 8, newest_too=False)
    for number in range(100):
        line.wait(number, fresh=False)
    for number in range(100, 106):
        line.wait(number, fresh=True)
    line.refill(0.015)
    first = begun(line)
    assert [number for number in first if number >= 100] == [100, 101, 102, 103, 104, 105]
    assert len(first) == 8
    line.refill(0.015)
    assert begun(line) == list(range(2, 10))


def test_the_newest_are_answered_beside_the_oldest() -> None:
    line: TurnLine[int] = TurnLine(4, 4, newest_too=True)
    for number in range(4000):
        line.wait(number, fresh=True)
    line.refill(0.015)
    assert sorted(begun(line)) == [0, 1, 3998, 3999]


def test_who_has_gone_takes_no_turn() -> None:
    line: TurnLine[int] = TurnLine(4, 4, newest_too=False)
    for number in range(10):
        line.wait(number, fresh=True)
    line.refill(0.015)
    assert begun(line, frozenset(range(5))) == [5, 6, 7, 8]


def test_nobody_overtakes_a_line() -> None:
    line: TurnLine[int] = TurnLine(1, 1, newest_too=False)
    assert line.take(fresh=True)
    assert not line.take(fresh=True)
    line.wait(1, fresh=True)
    line.refill(0.015)
    assert not line.take(fresh=True)
    assert begun(line) == [1]


def test_known_callers_have_turns_however_many_calls_one_of_them_has_sent() -> None:
    line: CallerLine[int] = CallerLine(4, 4)
    for number in range(1000):
        line.wait(number, "greedy")
    for number in (5000, 5001):
        line.wait(number, f"org {number}")
    line.refill(0.015)
    assert begun(line) == [0, 5000, 5001, 1]
    line.refill(0.015)
    assert begun(line) == [2, 3, 4, 5]
    assert len(line) == 1002 - 8


def test_who_has_gone_takes_no_turn_of_its_caller() -> None:
    line: CallerLine[int] = CallerLine(2, 2)
    for number in range(5):
        line.wait(number, "caller")
    line.refill(0.015)
    assert begun(line, frozenset(range(2))) == [2, 3]
    assert not line.take("another", 9), "others wait"
    line.refill(0.015)
    assert begun(line) == [4] and line.take("caller", 9) and not line.take("caller", 9)


def test_while_connections_wait_to_be_let_in_one_call_of_a_stranger_begins() -> None:
    turns: ConnectionTurns[int] = ConnectionTurns()
    turns.refill(0.001, pressed=True)
    assert turns.others.left == 1 and turns.known.left > 1 and turns.kept.left > 1
    turns.refill(0.001)
    assert turns.others.left > 1


def test_while_connections_wait_to_be_let_in_one_call_of_each_known_caller_begins() -> None:
    turns: ConnectionTurns[int] = ConnectionTurns()
    for number in range(50):
        turns.known.wait(number, "greedy")
    turns.known.wait(100, "other")
    for expected in ([0, 100], [1], [2]):
        turns.refill(0.001, pressed=True)
        assert begun(turns.known) == expected
    turns.refill(0.001)
    assert len(begun(turns.known)) > 1, "once all are let in, as many as a round takes"


def test_meanwhile_one_that_comes_alone_begins_once_in_a_round_too() -> None:
    turns: ConnectionTurns[int] = ConnectionTurns()
    for _ in range(3):
        turns.refill(0.001, pressed=True)
        assert [turns.known.take("greedy", 99) for _ in range(3)] == [True, False, False]
        assert turns.known.take("other", 99)
    turns.refill(0.001)
    assert [turns.known.take("greedy", 99) for _ in range(3)] == [True] * 3


def test_one_caller_has_no_more_calls_worked_on_than_it_leaves_room_for() -> None:
    line: CallerLine[int] = CallerLine(100, 100)
    others = 0

    def begin(number: int) -> bool:
        nonlocal others
        others += 1
        return True

    for number in range(100):
        line.wait(number, "greedy")
    line.refill(0.015)
    line.next_ones(lambda: 40 - others, begin)
    assert others == 20, "the other half is for others"
    assert not line.take("another", 40 - others), "it waits for its turn"
    line.wait(100, "another")
    line.next_ones(lambda: 40 - others, begin)
    assert others == 21
    for _ in range(20):
        line.ended("greedy")
    others -= 20
    line.refill(0.015)
    line.next_ones(lambda: 40 - others, begin)
    assert others == 21 and len(line) == 101 - 21 - 20 and line.blocked
