"""In which order lanes begin."""

from typing import Any, cast

from tidings.core.lane import Budget, Lane
from tidings.engine.post import Line, Post, quickest_first

Nothing = cast(Any, None)


class Signed:
    """As much of a webhook as its messages are made of."""

    def __getattr__(self, name: str) -> Any:
        return {"headers": (), "secrets": (), "extra": {}}.get(name, "x")


def post(took_s: float | None = None) -> Post:
    made = Post(cast(Any, Signed()), Lane(1, None, Budget(1)), Line(Nothing))
    if took_s is not None:
        made.pace.ended(1.0, took_s)
    return made


def test_who_answers_at_once_is_sent_to_before_who_takes_long() -> None:
    slow, quick, new, slower = post(1.0), post(0.004), post(), post(30.0)
    assert list(quickest_first({slow: 0, quick: 0, new: 0, slower: 0})) == [
        new,
        quick,
        slow,
        slower,
    ]


def test_equals_keep_their_order() -> None:
    posts = [post(0.5) for _ in range(5)]
    assert list(quickest_first(posts)) == posts
