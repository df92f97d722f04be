"""A small loyalty programme, played as one coherent story of events of every type.

Pure: the seed, the org and the first moment go in, events come out; the same three give the same
bytes. Nobody in it exists, and no time passes but the story's own.
"""

from tidings.simulator.story import START_MS, played_types, simulate
from tidings.simulator.world import Happening

__all__ = ["START_MS", "Happening", "played_types", "simulate"]
