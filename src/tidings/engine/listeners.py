"""Who hears of one thing. Made before the part that tells and the parts that hear, and given to
each of them when it is made: so none has to know the others, and none is given them later."""

from collections.abc import Callable
from typing import Generic, TypeVarTuple

from tidings.errors import TidingsError

Told = TypeVarTuple("Told")


class Unheard(TidingsError):
    """Something was told and nobody was there to hear it: a part is missing."""


class Listeners(Generic[*Told]):
    """Functions that are called in the order in which they were added."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._listeners: list[Callable[[*Told], None]] = []

    def add(self, listener: Callable[[*Told], None]) -> None:
        """From now on it hears; each part adds its own when it is made."""
        self._listeners.append(listener)

    def tell(self, *told: *Told) -> None:
        """Tell all of them. Unheard where there is none."""
        if not self._listeners:
            raise Unheard(f"nobody hears that {self._what}")
        for listener in self._listeners:
            listener(*told)
