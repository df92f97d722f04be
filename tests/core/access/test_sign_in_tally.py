"""Sign-ins that are counted: a row for an address, an account and a minute, and never too many."""

from collections import Counter

from tidings.core.access.sign_in_tally import (
    DAY_MAX,
    DAY_MS,
    MINUTE_MAX,
    OTHERS,
    OTHERS_KEY,
    UNKNOWN,
    SignInTally,
)
from tidings.core.audit.entries import PLATFORM_CHAIN

NOW_MS = 1_770_801_300_000
MINUTE_MS = 60_000


def test_tries_from_an_address_at_an_account_are_one_row() -> None:
    tally = SignInTally()
    for second in range(5):
        tally.note("console", "192.0.2.1", "usr_1", [(7, "usr_1")], NOW_MS + 1000 * second)
    tally.note("console", "192.0.2.2", "usr_1", [(7, "usr_1")], NOW_MS)
    tally.note("console", "192.0.2.1", UNKNOWN, [], NOW_MS)
    rows = {
        (key.chain, row.address, key.account): row.times for key, row in tally.take(NOW_MS + 9000)
    }
    assert rows == {
        (7, "192.0.2.1", "usr_1"): 5,
        (PLATFORM_CHAIN, "192.0.2.1", "usr_1"): 5,
        (7, "192.0.2.2", "usr_1"): 1,
        (PLATFORM_CHAIN, "192.0.2.2", "usr_1"): 1,
        (PLATFORM_CHAIN, "192.0.2.1", UNKNOWN): 1,
    }
    assert tally.take(NOW_MS) == []


def test_a_minute_has_so_many_rows_and_the_rest_is_counted_in_one() -> None:
    tally = SignInTally()
    for number in range(1000):
        address = f"198.{number // 250}.{number % 250}.9"
        tally.note("api", address, UNKNOWN, [], NOW_MS)
    rows = tally.take(NOW_MS)
    assert len(rows) == MINUTE_MAX
    counts = Counter({key.account: row.times for key, row in rows if key == OTHERS_KEY})
    assert counts[OTHERS] + sum(row.times for key, row in rows if key != OTHERS_KEY) == 1000


def test_who_tries_from_one_network_pushes_out_no_row_of_another() -> None:
    tally = SignInTally()
    tally.note("console", "203.0.113.9", "usr_1", [(7, "usr_1")], NOW_MS)
    for number in range(250):
        tally.note("console", f"198.51.100.{number}", UNKNOWN, [], NOW_MS)
    kept = {(key.chain, key.account) for key, _ in tally.take(NOW_MS)}
    assert {(7, "usr_1"), (PLATFORM_CHAIN, "usr_1")} <= kept


def test_a_day_has_so_many_rows_and_half_of_them_are_for_who_is_known() -> None:
    tally, written = SignInTally(), Counter[str]()
    start_ms = NOW_MS - NOW_MS % DAY_MS
    tries = 0
    for minute in range(1440):
        at_ms = start_ms + minute * MINUTE_MS
        for number in range(70):
            tally.note("api", f"198.51.{number}.9", UNKNOWN, [], at_ms)
            tries += 1
        if minute >= 1000:
            tally.note("api", "203.0.113.9", f"tdk_{minute}", [], at_ms)
            tries += 1
        for key, row in tally.take(at_ms):
            written[key.account] += 1
            tries -= row.times
    assert written.total() <= DAY_MAX
    assert written[UNKNOWN] <= DAY_MAX // 2
    assert all(written[f"tdk_{minute}"] for minute in range(1000, 1440))
    left = tally.take(start_ms + DAY_MS - 1, last=True)
    assert tries == sum(row.times for _, row in left), "none is uncounted"


def test_what_could_not_be_written_is_counted_again() -> None:
    tally = SignInTally()
    for number in range(200):
        tally.note("api", f"198.51.{number}.9", UNKNOWN, [], NOW_MS)
    tally.give_back(tally.take(NOW_MS))
    tally.note("api", "198.51.199.9", UNKNOWN, [], NOW_MS)
    rows = tally.take(NOW_MS + MINUTE_MS)
    assert len(rows) == MINUTE_MAX and sum(row.times for _, row in rows) == 201
