"""A filter in words: `data.tier is gold and data.points is at least 100`. Pure."""

import json
from collections.abc import Sequence
from typing import Any

from tidings.core.shaping.filters.compiler import CompiledFilter, Node
from tidings.core.shaping.filters.operator_list import FILTER_OPERATORS

LISTED_MAX = 5  # of the values of `in`
SHOWN_MAX = 80  # characters of one value


def describe_filter(filter: CompiledFilter) -> str:
    """Describe what must hold for an event."""
    return _describe_node(filter.root, outermost=True)


def _describe_node(node: Node, *, outermost: bool = False) -> str:
    match node.kind:
        case "all":
            return _joined(node.nodes, " and ", outermost)
        case "any":
            return _joined(node.nodes, " or ", outermost)
        case "not":
            return f"not ({_describe_node(node.nodes[0], outermost=True)})"
        case _:
            return f"{node.path} {' and '.join(_rule(*rule) for rule in node.rules)}"


def _joined(nodes: Sequence[Node], word: str, outermost: bool) -> str:
    if len(nodes) == 1:
        return _describe_node(nodes[0], outermost=outermost)
    sentence = word.join(_describe_node(node) for node in nodes)
    return sentence if outermost else f"({sentence})"


def _rule(operator: str, operand: Any) -> str:
    declared = FILTER_OPERATORS[operator]
    if operator == "exists":
        return declared.holds if operand else declared.fails
    if operator == "in":
        shown = ", ".join(map(_value, operand[:LISTED_MAX]))
        more = len(operand) - LISTED_MAX
        return f"{declared.holds} {shown}" + (f" and {more} more" if more > 0 else "")
    return f"{declared.holds} {_value(operand)}"


def _value(value: object) -> str:
    """Write a value; a text stands without quotes if nobody can take it for anything else."""
    if isinstance(value, str):
        shown = value if len(value) <= SHOWN_MAX else value[: SHOWN_MAX - 1] + "…"
        plain = shown.replace("-", "").replace("_", "").isalnum() and not shown.isdigit()
        return shown if plain and shown not in ("true", "false", "null") else f"“{shown}”"
    return json.dumps(value)
