"""How long a filter can take for the worst event, known from the filter alone.

Every test looks at a bounded number of values and characters (`filter_operators.py`), so the bound
is a sum over its tests. The figures are seconds, measured on the slowest events that were found and
rounded up. Ordinary events take a hundredth of that. Pure.
"""

from tidings.catalogue.spellings import SourceStep
from tidings.core.budget import EVENT_BYTES
from tidings.core.event_path import EACH
from tidings.core.shaping.filters.compiler import CompiledFilter, Node
from tidings.core.shaping.filters.operators import CONTAINS_MAX, VALUES_MAX, is_number

NODE_S = 0.5e-6
STEP_S = 0.05e-6  # to go one step from one value
SOURCE_S = 6e-6  # to find a source among names that may spell it
LOOK_S = 0.15e-6  # at one value, by one operator
NUMBER_S = 0.7e-6  # the same, where texts are read as numbers
PATTERN_S = 60e-6  # one pattern, on all that it is shown
SEARCH_S = 2.9e-9  # one character, by `contains`


def worst_s(filter: CompiledFilter) -> float:
    """Compute how long a filter may take for an event of the greatest size, in seconds."""
    return _worst_s(filter.root)


def _worst_s(node: Node) -> float:
    found = NODE_S + sum(_worst_s(node) for node in node.nodes)
    if node.kind != "test":
        return found
    each = EACH in node.steps
    values = VALUES_MAX if each else 1
    found += STEP_S * values * len(node.steps)
    found += SOURCE_S * values * sum(step.__class__ is SourceStep for step in node.steps)
    for operator, operand in node.rules:
        if operator == "contains":
            found += SEARCH_S * (EVENT_BYTES if each else CONTAINS_MAX)
        elif operator == "matches":
            found += PATTERN_S
        numbers = operand if isinstance(operand, list) else [operand]
        found += values * (NUMBER_S if any(map(is_number, numbers)) else LOOK_S)
    return found
