"""A filter as rows of conditions, as a form shows it, and back.

Conditions stand in groups, of which all or any must hold; so do the conditions of a group. That is
less than filters can say: what has no such rows stays JSON. What has some keeps its meaning, and a
filter whose rows nobody has changed keeps its very words (`filter_kept`). Pure.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from tidings.core.event_path import EACH
from tidings.core.shaping.filters.compiler import FilterRefused, Node, compile_filter
from tidings.core.shaping.filters.operand_text import read_operand, write_operand
from tidings.core.shaping.filters.operator_list import (
    ANY_TYPE,
    COMPARISONS,
    FILTER_OPERATORS,
    OperandKind,
)
from tidings.errors import FieldRefusal, Invalid

CONDITIONS_MAX = 24
GROUPS_MAX = 8
NOT = "not "  # before an operator that must not hold

Joined = Literal["all", "any"]
_OTHER: Mapping[Joined, Joined] = {"all": "any", "any": "all"}


class FilterCondition(msgspec.Struct, frozen=True):
    """A row: a field, an operator, and its value as it is written."""

    path: str = ""
    operator: str = "eq"  # with `NOT` before it where it must not hold
    value: str = ""

    @property
    def name(self) -> str:
        """Return the operator in the language of filters."""
        return self.operator.removeprefix(NOT)

    @property
    def must_fail(self) -> bool:
        """Return whether its operator must not hold."""
        return self.operator.startswith(NOT)

    @property
    def takes_value(self) -> bool:
        """Return whether its operator is given something."""
        return FILTER_OPERATORS[self.name].operand is not OperandKind.FLAG

    @property
    def is_blank(self) -> bool:
        """Return whether nobody has filled it in."""
        return not self.path and not self.value

    @property
    def inverse(self) -> "FilterCondition":
        """Return the condition that holds where this one does not."""
        operator = self.name if self.must_fail else f"{NOT}{self.operator}"
        return msgspec.structs.replace(self, operator=operator)


class ConditionGroup(msgspec.Struct, frozen=True):
    """Conditions of which all or any must hold."""

    joined: Joined = "all"
    conditions: tuple[FilterCondition, ...] = ()


class ConditionTree(msgspec.Struct, frozen=True):
    """Groups of which all or any must hold."""

    joined: Joined = "any"
    groups: tuple[ConditionGroup, ...] = ()

    @property
    def conditions(self) -> tuple[FilterCondition, ...]:
        """Return the conditions of all groups in their order."""
        return tuple(condition for group in self.groups for condition in group.conditions)


class _RowBranch(msgspec.Struct, frozen=True):
    """A part of a filter while its rows are looked for."""

    joined: Joined
    parts: "tuple[_RowBranch | FilterCondition, ...]"


# -- operators ------------------------------------------------------------------------------------


def operators_for(types: Sequence[str]) -> list[tuple[str, str]]:
    """List the operators that suit a field of these JSON types, with their words; all where nothing
    is known of it. That something is not above a bound is said by other bounds."""
    known = ANY_TYPE.intersection(types) or ANY_TYPE
    fitting = [operator for operator in FILTER_OPERATORS.values() if operator.suits & known]
    held = [(operator.name, operator.holds) for operator in fitting]
    failed = [
        (f"{NOT}{operator.name}", operator.fails)
        for operator in fitting
        if operator.name not in COMPARISONS
    ]
    return held + failed


def words_of(operator: str) -> str:
    """Return the words of an operator, whether it must hold or must not."""
    declared = FILTER_OPERATORS[operator.removeprefix(NOT)]
    return declared.fails if operator.startswith(NOT) else declared.holds


def is_operator(operator: str) -> bool:
    """Return whether a condition may have it."""
    return operator.removeprefix(NOT) in FILTER_OPERATORS


# -- from rows to a filter ------------------------------------------------------------------------


def filter_of(tree: ConditionTree) -> tuple[dict[str, Any] | None, dict[int, FieldRefusal]]:
    """Build the filter of a tree, None of one without conditions; and by their positions the
    refusals of conditions that say nothing a filter can take, or with which it has more than a
    filter may. Blank ones are left out."""
    refusals: dict[int, FieldRefusal] = {}
    checked: dict[int, dict[str, Any]] = {}
    groups: list[tuple[Joined, list[dict[str, Any]]]] = []
    position = 0
    for group in tree.groups:
        inner = []
        for condition in group.conditions:
            if not condition.is_blank:
                checked[position] = _checked_node(condition, position, refusals)
                inner.append(checked[position])
            position += 1
        if inner:
            groups.append((group.joined, inner))
    made = _filter_of_groups(tree.joined, groups)
    if made is not None and not refusals:
        refusals = _refusals_of_whole(made, checked)
    return made, refusals


def filter_kept(
    tree: ConditionTree, source: object
) -> tuple[dict[str, Any] | None, dict[int, FieldRefusal]]:
    """Build the filter of a tree as `filter_of` does; where `source` has the same rows, it is that,
    word by word."""
    if (shown := tree_of(source)) is not None and shown == normalized(tree):
        return (source if isinstance(source, dict) else None), {}
    return filter_of(tree)


def normalized(tree: ConditionTree) -> ConditionTree:
    """Return the tree that a form shows for the filter of this one: without blank rows, and with no
    more groups than its meaning needs."""
    filled = [
        ConditionGroup(group.joined, tuple(_canonical(row) for row in rows))
        for group in tree.groups
        if (rows := [row for row in group.conditions if not row.is_blank])
    ]
    if len(filled) == 1:
        return _tree(_RowBranch(filled[0].joined, filled[0].conditions))
    branches = tuple(_RowBranch(group.joined, group.conditions) for group in filled)
    return _tree(_flat(_RowBranch(tree.joined, branches)))


def _canonical(row: FilterCondition) -> FilterCondition:
    """Write a condition as the filter that it makes is shown: `2.50` as 2.5."""
    row = msgspec.structs.replace(row, path=row.path.strip())
    if not row.takes_value:
        return msgspec.structs.replace(row, value="")
    try:
        written = write_operand(row.name, read_operand(row.name, row.value))
    except Invalid:
        written = None
    return row if written is None else msgspec.structs.replace(row, value=written)


def _filter_of_groups(
    joined: Joined, groups: Sequence[tuple[Joined, list[dict[str, Any]]]]
) -> dict[str, Any] | None:
    if not groups:
        return None
    if len(groups) == 1:
        return _joined(*groups[0])
    nodes: list[dict[str, Any]] = []
    for word, inner in groups:
        nodes += inner if len(inner) == 1 or word == joined else [{word: inner}]
    return _joined(joined, nodes)


def _refusals_of_whole(
    made: dict[str, Any], checked: Mapping[int, dict[str, Any]]
) -> dict[int, FieldRefusal]:
    """Return the refusal of conditions that a filter takes one by one and not together (it may
    have so many patterns, and no more), at the first one that is too much."""
    try:
        compile_filter(made)
    except FilterRefused as whole:
        before: list[dict[str, Any]] = []
        for position, node in checked.items():
            before.append(node)
            try:
                compile_filter({"all": before})
            except FilterRefused as refused:
                return {position: refused.refusals[0]}
        return {max(checked): whole.refusals[0]}
    return {}


def _joined(joined: Joined, nodes: list[dict[str, Any]]) -> dict[str, Any]:
    return nodes[0] if len(nodes) == 1 else {joined: nodes}


def _checked_node(
    condition: FilterCondition, position: int, refusals: dict[int, FieldRefusal]
) -> dict[str, Any]:
    try:
        node = _node(condition)
        compile_filter(node)
    except FilterRefused as refused:
        field = refused.refusals[0].field
        refusals[position] = msgspec.structs.replace(refused.refusals[0], field=field)
        return {}
    except Invalid as refused:
        refusals[position] = refused.refusals[0]
        return {}
    return node


def _node(condition: FilterCondition) -> dict[str, Any]:
    path, name = condition.path.strip(), condition.name
    if not condition.takes_value:
        return {"path": path, name: not condition.must_fail}
    test = {"path": path, name: read_operand(name, condition.value)}
    return {"not": test} if condition.must_fail else test


# -- from a filter to rows ------------------------------------------------------------------------


def tree_of(source: object) -> ConditionTree | None:
    """Return the rows of a filter, an empty tree where there is none; None of one that has more to
    say than rows can show, and of what is no filter."""
    if source is None:
        return normalized(ConditionTree())
    try:
        branch = _branch_of(compile_filter(source).root, negated=False)
    except FilterRefused:
        return None
    if branch is None:
        return None
    if isinstance(branch, FilterCondition):
        branch = _RowBranch("all", (branch,))
    tree = _tree(_flat(branch))
    is_small = len(tree.conditions) <= CONDITIONS_MAX and len(tree.groups) <= GROUPS_MAX
    is_whole = not any(isinstance(row, _RowBranch) for row in tree.conditions)
    return tree if is_small and is_whole else None


def _branch_of(node: Node, *, negated: bool) -> _RowBranch | FilterCondition | None:
    """Return a node without `not` around several: that none of some holds is that each does not."""
    match node.kind:
        case "not":
            return _branch_of(node.nodes[0], negated=not negated)
        case "test":
            return _branch_of_test(node, negated=negated)
        case kind:
            joined: Joined = "all" if (kind == "all") is not negated else "any"
            parts = [_branch_of(inner, negated=negated) for inner in node.nodes]
            shown = tuple(part for part in parts if part is not None)
            return _RowBranch(joined, shown) if len(shown) == len(parts) else None


def _branch_of_test(node: Node, *, negated: bool) -> _RowBranch | FilterCondition | None:
    if len(node.rules) > 1 and EACH in node.steps:
        return None  # one item must pass all of them, and not each of them one
    rows = [_condition_of(node.path, name, operand, negated) for name, operand in node.rules]
    shown = tuple(row for row in rows if row is not None)
    if len(shown) < len(rows):
        return None
    return shown[0] if len(shown) == 1 else _RowBranch("any" if negated else "all", shown)


def _condition_of(path: str, name: str, operand: Any, negated: bool) -> FilterCondition | None:
    if path != path.strip() or not path.isprintable():
        return None
    if FILTER_OPERATORS[name].operand is OperandKind.FLAG:
        must_fail = negated is bool(operand)
        return FilterCondition(path, f"{NOT}{name}" if must_fail else name)
    value = write_operand(name, operand)
    if value is None:
        return None
    return FilterCondition(path, f"{NOT}{name}" if negated else name, value)


def _flat(branch: _RowBranch) -> _RowBranch:
    """Return a branch without branches of one part, or of its own kind, in it."""
    parts: list[_RowBranch | FilterCondition] = []
    for part in branch.parts:
        inner = _flat(part) if isinstance(part, _RowBranch) else part
        if isinstance(inner, _RowBranch) and (
            inner.joined == branch.joined or len(inner.parts) == 1
        ):
            parts += inner.parts
        elif isinstance(inner, FilterCondition) or inner.parts:
            parts.append(inner)
    if len(parts) == 1 and isinstance(parts[0], _RowBranch):
        return parts[0]
    return _RowBranch(branch.joined, tuple(parts))


def _tree(branch: _RowBranch) -> ConditionTree:
    """Make groups of a flat branch: one of what stands side by side in it, and one of each branch
    in it. Of one group, what joins it to a further one is left to say: the other word."""
    groups: list[ConditionGroup] = []
    beside: list[FilterCondition] = []
    for part in branch.parts:
        if isinstance(part, FilterCondition):
            beside.append(part)
            continue
        if beside:
            groups.append(ConditionGroup(branch.joined, tuple(beside)))
            beside = []
        groups.append(ConditionGroup(part.joined, part.parts))  # type: ignore[arg-type]  # looked at in `tree_of`
    if beside:
        groups.append(ConditionGroup(branch.joined, tuple(beside)))
    if len(groups) == 1 and len(groups[0].conditions) == 1:
        groups = [ConditionGroup("all", groups[0].conditions)]
    if len(groups) < 2:
        return ConditionTree(_OTHER[groups[0].joined] if groups else "any", tuple(groups))
    return ConditionTree(branch.joined, tuple(groups))
