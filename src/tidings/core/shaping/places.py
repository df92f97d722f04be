"""Places in a block of JSON, and what is done there: many ways, walked once.

What is given is not changed: a block on the way to one that changes is copied. Pure.
"""

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from tidings.catalogue.event_type import Json

EACH = -1  # a step: go on with every item of the list

Way = tuple[str | int, ...]
Given = TypeVar("Given")
Change = Callable[[Json, Given], Json]  # a block as it should be: itself where nothing changes
Steps = tuple[tuple[str, Change[Given]], ...]


class BlockPlaces(Generic[Given]):
    """Changes to a block and below it."""

    def __init__(self) -> None:
        self._here: list[Change[Given]] = []
        self._below: dict[str, BlockPlaces[Given]] = {}
        self._items: dict[str, BlockPlaces[Given]] = {}

    def add(self, way: Way, change: Change[Given]) -> None:
        """Do this where that way leads. One change for each block that stands there."""
        if not way:
            self._here.append(change)
            return
        name, *rest = way
        if not isinstance(name, str):
            raise ValueError(f"a list must stand under a name; got {way}")
        below = self._below
        if rest[:1] == [EACH]:
            below, rest = self._items, rest[1:]
        below.setdefault(name, BlockPlaces()).add(tuple(rest), change)

    def change(self) -> Change[Given]:
        """Combine all changes into one. Whatever else stands at a place is left alone."""
        changes = [*self._here]
        if self._below:
            changes.append(_in_blocks(_each(self._below)))
        if self._items:
            changes.append(_in_lists(_each(self._items)))
        return changes[0] if len(changes) == 1 else _in_turn(tuple(changes))


def _each(places: dict[str, BlockPlaces[Given]]) -> Steps[Given]:
    return tuple((name, place.change()) for name, place in places.items())


def _in_turn(changes: Iterable[Change[Given]]) -> Change[Given]:
    def change(block: Json, given: Given) -> Json:
        for change in changes:
            block = change(block, given)
        return block

    return change


def _in_blocks(steps: Steps[Given]) -> Change[Given]:
    def change(block: Json, given: Given) -> Json:
        fresh: Json = {}
        for name, below in steps:
            inner = block.get(name)
            if type(inner) is dict and (made := below(inner, given)) is not inner:
                fresh[name] = made
        return {**block, **fresh} if fresh else block

    return change


def _in_lists(steps: Steps[Given]) -> Change[Given]:
    def change(block: Json, given: Given) -> Json:
        fresh: Json = {}
        for name, below in steps:
            items = block.get(name)
            if type(items) is list:
                made = [
                    below(element, given) if type(element) is dict else element for element in items
                ]
                if any(new is not old for new, old in zip(made, items, strict=True)):
                    fresh[name] = made
        return {**block, **fresh} if fresh else block

    return change
