"""Which events a webhook wants: a bounded tree of tests, compiled once, asked for every event.

    {"all": [{"path": "data.points", "gte": 100, "lt": 1000},
             {"not": {"path": "data.store", "in": ["HO", "TEST"]}}]}

A node is `all`, `any` (lists of nodes), `not` (a node) or a test: a path and one operator or more,
which must all hold for the same value. What an operator is given decides what it compares
(docs/filters.md): with a number, numbers and decimal texts ("300.000") by their value; with a text,
texts exactly. An absent value passes no test but `exists: false`; `[*]` passes if any item does.

Why it is linear: no loops of the author's making, and every size is capped. A pattern is RE2's, its
program is small, and it is shown few characters. Evaluation never raises. Pure.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import re2  # type: ignore[import-untyped]  # its wheel has no types

from tidings.core.event_path import EACH, PATH_RULE, Path, read_path
from tidings.core.shaping.filters.operator_list import (
    COMPARISONS,
    FILTER_OPERATORS,
    OPERATORS,
    TEXTUAL,
)
from tidings.core.shaping.filters.operators import (
    ABSENT,
    Accepts,
    Event,
    Holds,
    compare,
    compile_pattern,
    equal,
    is_number,
    matching,
    member,
    of_any,
    of_one,
    textual,
    values_at,
)
from tidings.errors import FieldRefusal, Invalid
from tidings.values import IN_EVENTS, describe_value

DEPTH_MAX = 8
NODES_MAX = 64
LIST_MAX = 1000
TEXT_MAX = 1024  # characters of a text in a filter
PATTERNS_MAX = 4
PATTERN_MAX = 256  # characters


class FilterRefused(Invalid):
    """A text is no filter: a code that never changes, the place, and what must be and what came."""

    def __init__(self, code: str, place: str, message: str) -> None:
        super().__init__(FieldRefusal.build(code, message, field=place))
        self.code = code
        self.place = place
        self.message = message


class Node(msgspec.Struct, frozen=True):
    """A compiled node. `place` is where it stands, for example `filter.all[1]`."""

    place: str
    accepts: Accepts
    kind: str  # "all", "any", "not" or "test"
    nodes: tuple["Node", ...] = ()
    path: str = ""
    steps: Path = ()
    rules: tuple[tuple[str, Any], ...] = ()  # the operators of a test


class CompiledFilter:
    """A compiled filter. `accepts` takes a decoded event and never raises."""

    __slots__ = ("accepts", "root", "source")

    def __init__(self, source: dict[str, Any], root: Node) -> None:
        self.source = source
        self.root = root
        self.accepts: Accepts = root.accepts

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CompiledFilter) and other.source == self.source

    __hash__ = None  # type: ignore[assignment]  # its source is a dict


class Explanation(msgspec.Struct, frozen=True):
    """A filter's judgement of one event. Refused: which node did it, and a sentence."""

    accepted: bool
    node: str = ""
    said: str = ""


def compile_filter(source: object, place: str = "filter") -> CompiledFilter:
    """Compile the filter of a JSON value. Raise FilterRefused if it is none, and nothing else."""
    compiler = _Compiler()
    root = compiler.node(source, place, 1)
    assert isinstance(source, dict)
    return CompiledFilter(source, root)


def explain(filter: CompiledFilter, event: Event) -> Explanation:
    """Explain whether the filter accepts the event, and if not, which of its nodes refuses and
    why."""
    return _explain(filter.root, event)


def _explain(node: Node, event: Event) -> Explanation:
    if node.accepts(event):
        return Explanation(True)
    match node.kind:
        case "all":
            return next(_explain(node, event) for node in node.nodes if not node.accepts(event))
        case "any":
            if len(node.nodes) == 1:
                return _explain(node.nodes[0], event)
            return Explanation(False, node.place, f"None of its {len(node.nodes)} nodes holds.")
        case "not":
            return Explanation(False, node.place, f"{node.nodes[0].place} must not hold; it does.")
        case _:
            rules = " and ".join(
                f"{FILTER_OPERATORS[name].must} {_short(value)}" for name, value in node.rules
            )
            values = values_at(event, node.steps)
            got = ", ".join(describe_value(value, IN_EVENTS) for value in values[:3]) or "nothing"
            more = f" and {len(values) - 3} more" if len(values) > 3 else ""
            return Explanation(False, node.place, f"{node.path} must {rules}; got {got}{more}.")


def _short(value: object) -> str:
    if isinstance(value, list):
        shown = ", ".join(_short(element) for element in value[:3])
        return shown + (f" and {len(value) - 3} more" if len(value) > 3 else "")
    return describe_value(value, IN_EVENTS).removeprefix("text ").removeprefix("number ")


# -- the compiler ---------------------------------------------------------------------------------


class _Compiler:
    """One filter while it is compiled: counts nodes and patterns."""

    def __init__(self) -> None:
        self._nodes = 0
        self._patterns = 0

    def node(self, source: object, place: str, depth: int) -> Node:
        self._nodes += 1
        if depth > DEPTH_MAX:
            message = f"A filter must be at most {DEPTH_MAX} levels deep; got more. Flatten it."
            raise FilterRefused("filter_too_deep", place, message)
        if self._nodes > NODES_MAX:
            message = f"A filter must have at most {NODES_MAX} nodes; got more. Use `in` for lists."
            raise FilterRefused("filter_too_large", place, message)
        if not isinstance(source, dict):
            message = f"{_NODE_RULE}; got {describe_value(source, IN_EVENTS)}. {_EXAMPLE}"
            raise FilterRefused("bad_filter", place, message)
        kinds = [kind for kind in ("all", "any", "not", "path") if kind in source]
        if len(kinds) != 1 or (kinds != ["path"] and len(source) != 1):
            got = (
                " and ".join(describe_value(name, IN_EVENTS) for name in list(source)[:4])
                or "nothing"
            )
            raise FilterRefused("bad_filter", place, f"{_NODE_RULE}; got {got}. {_EXAMPLE}")
        (kind,) = kinds
        if kind == "path":
            return self._test(source, place)
        if kind == "not":
            inner = self.node(source["not"], f"{place}.not", depth + 1)
            accepts = inner.accepts
            return Node(place, lambda event: not accepts(event), "not", nodes=(inner,))
        return self._several(kind, source[kind], f"{place}.{kind}", place, depth)

    def _several(self, kind: str, nodes: object, within: str, place: str, depth: int) -> Node:
        if not isinstance(nodes, list) or not nodes:
            got = "an empty list" if nodes == [] else describe_value(nodes, IN_EVENTS)
            message = f"{kind} must be a list of at least one node; got {got}. {_EXAMPLE}"
            raise FilterRefused("bad_filter", within, message)
        inner = tuple(
            self.node(node, f"{within}[{index}]", depth + 1) for index, node in enumerate(nodes)
        )
        tests = tuple(test.accepts for test in inner)
        if len(tests) == 1:
            return Node(place, tests[0], kind, nodes=inner)
        return Node(place, _every(tests) if kind == "all" else _some(tests), kind, nodes=inner)

    def _test(self, source: dict[str, Any], place: str) -> Node:
        steps = read_path(source["path"])
        if steps is None:
            message = (
                f"path must be {PATH_RULE}; got {describe_value(source['path'], IN_EVENTS)}. "
                "Start at the envelope."
            )
            raise FilterRefused("bad_path", f"{place}.path", message)
        rules = tuple((name, value) for name, value in source.items() if name != "path")
        for name, _ in rules:
            if name not in OPERATORS:
                message = (
                    f"An operator must be {_LISTED}; got {describe_value(name, IN_EVENTS)}. "
                    "Check its spelling."
                )
                raise FilterRefused("bad_operator", f"{place}.{name[:40]}", message)
        if not rules:
            message = f'A test must have an operator: {_LISTED}; got none. Write "exists": true.'
            raise FilterRefused("bad_operator", place, message)
        accepts = self._accepts(dict(rules), steps, place)
        return Node(
            place=place,
            accepts=accepts,
            kind="test",
            nodes=(),
            path=source["path"],
            steps=steps,
            rules=rules,
        )

    def _accepts(self, rules: dict[str, Any], steps: Path, place: str) -> Accepts:
        if "exists" in rules:
            return _exists(rules, steps, place)
        pattern = self._compiled(rules.pop("matches"), place) if "matches" in rules else None
        tests = [_holds(name, value, f"{place}.{name}") for name, value in rules.items()]
        holds = tests[0] if len(tests) == 1 else _every(tuple(tests)) if tests else None
        if pattern is not None:
            return matching(pattern, steps, holds)
        assert holds is not None
        if EACH in steps:
            return of_any(steps, holds, when_none=False)
        return of_one(steps, holds)

    def _compiled(self, text: object, place: str) -> Any:
        place = f"{place}.matches"
        self._patterns += 1
        if self._patterns > PATTERNS_MAX:
            message = f"A filter must have at most {PATTERNS_MAX} patterns; got more. Use prefix."
            raise FilterRefused("filter_too_large", place, message)
        rule = f"matches must be a pattern of RE2, of at most {PATTERN_MAX} characters"
        if not isinstance(text, str) or not 0 < len(text) <= PATTERN_MAX:
            raise FilterRefused(
                "bad_pattern",
                place,
                f'{rule}; got {describe_value(text, IN_EVENTS)}. Write "^VIP-".',
            )
        try:
            return compile_pattern(text)
        except (re2.error, UnicodeError) as error:
            why = _reason(error)
            message = (
                f"{rule}; got {describe_value(text, IN_EVENTS)}, refused: {why}. "
                "Back-references and look-around "
            )
            raise FilterRefused("bad_pattern", place, f"{message}are not in RE2.") from None


def _reason(error: Exception) -> str:
    """Return RE2's words, which come as bytes, without the one that helps nobody."""
    given = error.args[0] if error.args else ""
    text = given.decode("utf-8", "replace") if isinstance(given, bytes) else str(given)
    return text[:80].replace("invalid", "unknown")


def _every(tests: tuple[Callable[[Any], bool], ...]) -> Callable[[Any], bool]:
    def run(value: Any) -> bool:
        for test in tests:  # noqa: SIM110  # `all` of a generator costs twice as much
            if not test(value):
                return False
        return True

    return run


def _some(tests: tuple[Accepts, ...]) -> Accepts:
    def run(event: Event) -> bool:
        for test in tests:  # noqa: SIM110  # as above
            if test(event):
                return True
        return False

    return run


def _exists(rules: dict[str, Any], steps: Path, place: str) -> Accepts:
    wanted = rules["exists"]
    if wanted.__class__ is not bool:
        message = (
            f"exists must be true or false; got {describe_value(wanted, IN_EVENTS)}. "
            "Write it without quotes."
        )
        raise FilterRefused("bad_operand", f"{place}.exists", message)
    if len(rules) > 1:
        message = (
            "exists must be the only operator of its test; got others too. They need a value to "
            "match anyway: leave exists out."
        )
        raise FilterRefused("bad_operator", f"{place}.exists", message)
    if EACH in steps:
        return of_any(steps, lambda _: wanted, when_none=not wanted)
    if wanted:
        return of_one(steps, lambda value: value is not ABSENT)
    there = of_one(steps, lambda value: value is not ABSENT)
    return lambda event: not there(event)


def _holds(operator: str, operand: Any, place: str) -> Holds:
    if operator == "in":
        return member(_checked_list(operand, place))
    if operator in TEXTUAL:
        if not isinstance(operand, str) or not operand:
            message = (
                f"{operator} must be a text; got {describe_value(operand, IN_EVENTS)}. "
                f'Write "{operator}": "VIP".'
            )
            raise FilterRefused("bad_operand", place, message)
        return textual(operator, _checked(operand, place))
    if operator in COMPARISONS:
        if not isinstance(operand, str) and not is_number(operand):
            message = (
                f"{operator} must be a number or a text; got {describe_value(operand, IN_EVENTS)}. "
                'Write "gte": 100.'
            )
            raise FilterRefused("bad_operand", place, message)
        return compare(operator, _checked(operand, place))
    return equal(_checked(operand, place))


def _checked(operand: Any, place: str) -> Any:
    """Return an operand if it is a scalar of bounded size. Raise FilterRefused if not."""
    if isinstance(operand, str):
        if len(operand) <= TEXT_MAX:
            return operand
        message = f"A text must have at most {TEXT_MAX} characters; got {len(operand)}. Use prefix."
        raise FilterRefused("filter_too_large", place, message)
    if operand is None or operand.__class__ is bool:
        return operand
    if is_number(operand) and (operand.__class__ is float or abs(operand) < 10**40):
        return operand
    message = (
        "It must be a text, a number, true, false or null; got "
        f"{describe_value(operand, IN_EVENTS)}. Use several "
    )
    raise FilterRefused("bad_operand", place, f"{message}tests for what is inside an object.")


def _checked_list(operand: object, place: str) -> list[Any]:
    if not isinstance(operand, list) or not 0 < len(operand) <= LIST_MAX:
        got = (
            f"a list of {len(operand)}"
            if isinstance(operand, list)
            else describe_value(operand, IN_EVENTS)
        )
        message = (
            f"in must be a list of 1 to {LIST_MAX} values; got {got}. Use prefix, or fewer values."
        )
        code = "filter_too_large" if isinstance(operand, list) and operand else "bad_operand"
        raise FilterRefused(code, place, message)
    return [
        _checked(operand_part, f"{place}[{index}]") for index, operand_part in enumerate(operand)
    ]


_LISTED = ", ".join(OPERATORS[:-1]) + " or " + OPERATORS[-1]
_NODE_RULE = "A node must be an object with one of all, any, not or path"
_EXAMPLE = 'Write {"path": "data.tier", "eq": "gold"}.'
