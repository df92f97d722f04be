"""A bucket gives its rate and one burst of a second, and says how long the next token takes."""

from hypothesis import given
from hypothesis import strategies as st

from tidings.core.shares.token_bucket import TokenBucket


@given(
    rate=st.floats(0.01, 1000),
    steps=st.lists(st.floats(0, 5), min_size=1, max_size=60),
    start=st.floats(0, 1e6),
)
def test_a_bucket_never_gives_more_than_its_rate_and_one_burst(
    rate: float, steps: list[float], start: float
) -> None:
    bucket, now, given_ = TokenBucket(rate), start, 0
    for step in steps:
        now += step
        while given_ < 10_000 and bucket.take(now):
            given_ += 1
        assert given_ <= max(1.0, rate) + (now - start) * rate + 1e-3


@given(rate=st.floats(0.01, 1000), start=st.floats(0, 1e7))
def test_after_the_wait_there_is_a_token(rate: float, start: float) -> None:
    """Else a pacing timer would ring in vain, and for ever where time is virtual."""
    bucket = TokenBucket(rate)
    while bucket.take(start):
        pass
    now = start
    for _ in range(3):
        now += bucket.wait_s(now)
        if bucket.take(now):
            return
    raise AssertionError("the bucket never gives a token")


def test_a_clock_that_stands_still_or_goes_back_gives_nothing() -> None:
    bucket = TokenBucket(1.0)
    assert bucket.take(10.0)
    assert not bucket.take(10.0)
    assert not bucket.take(5.0)
