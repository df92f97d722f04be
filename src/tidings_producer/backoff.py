"""How long to wait before the next try: at random up to a bound that doubles (full jitter)."""

from __future__ import annotations

import random
from typing import Callable

BASE_S, CAP_S = 0.5, 30.0
ASKED_MAX_S = 300.0
"""A `Retry-After` is honoured up to here; what asks for more is not believed to mean it."""


class Backoff:
    """The tries since the last success."""

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        """`chance` gives numbers from 0 to 1."""
        self._chance = chance
        self._tries = 0

    def success(self) -> None:
        """Start again with a short wait."""
        self._tries = 0

    def next_s(self, asked_s: float | None) -> float:
        """Draw the seconds until the next try, at least as many as the service has asked for."""
        most = min(CAP_S, BASE_S * float(1 << min(self._tries, 16)))
        self._tries += 1
        return max(self._chance() * most, min(asked_s or 0.0, ASKED_MAX_S))
