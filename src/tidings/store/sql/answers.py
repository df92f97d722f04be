"""Which method of the store's port a method of a part answers: said where it is written.

`hosting/` makes of these marks and of the port what a process answers and what its client asks: a
method of the store is written in the port and in one part, and nowhere else.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

_Part = TypeVar("_Part")
_Given = ParamSpec("_Given")
_Answer_co = TypeVar("_Answer_co", covariant=True)
_MARK = "answers_of_the_port"


def answers(
    asked: Callable[Concatenate[Any, _Given], Awaitable[_Answer_co]],
) -> Callable[
    [Callable[Concatenate[_Part, _Given], _Answer_co]],
    Callable[Concatenate[_Part, _Given], _Answer_co],
]:
    """Mark a method as the one that answers `asked`, a method of the port with its signature."""
    return partial(_marked, asked)


def _marked(asked: Callable[..., Any], method: Any) -> Any:
    setattr(method, _MARK, asked)
    return method


def answered(part: type) -> list[tuple[Callable[..., Any], str]]:
    """List what a part answers: each method of the port, and the name of the part's own."""
    return [
        (asked, name)
        for name, method in vars(part).items()
        if (asked := getattr(method, _MARK, None)) is not None
    ]
