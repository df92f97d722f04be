"""Answers that nobody reads: whose give way is the address that has the most of them."""

from tidings.server.unread import UnreadAnswers


def test_the_oldest_of_the_greediest_address_gives_way() -> None:
    unread: UnreadAnswers[str] = UnreadAnswers()
    unread.put("slow", "192.0.2.1", 900)
    for number in range(10):
        unread.put(f"greedy{number}", "192.0.2.2", 200)
    assert unread.bytes == 2900
    assert unread.greediest() == "greedy0"
    for number in range(6):
        unread.drop(f"greedy{number}")
    assert unread.greediest() == "slow"


def test_what_is_noted_again_or_dropped_twice_is_counted_once() -> None:
    unread: UnreadAnswers[str] = UnreadAnswers()
    unread.put("a", "192.0.2.1", 500)
    unread.put("a", "192.0.2.9", 300)
    assert unread.bytes == 300
    unread.drop("a")
    unread.drop("a")
    assert (unread.bytes, len(unread)) == (0, 0)
