"""Leases of owners that end when a test says so."""

import math


class EndingLease:
    """See `OwnerLease`: it holds for so many looks, and then not before it is renewed."""

    def __init__(self, looks: float = math.inf) -> None:
        self.looks_left = looks
        self.looked = 0

    def holds(self) -> bool:
        self.looked += 1
        self.looks_left -= 1
        return self.looks_left >= 0

    def left_s(self) -> float:
        return 0.0 if self.looks_left <= 0 else math.inf

    def end(self) -> None:
        """It is over from now on."""
        self.looks_left = 0

    def renew(self) -> None:
        """It holds from now on."""
        self.looks_left = math.inf
