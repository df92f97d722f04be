"""The closed lists of the service, and where tests have a copy of one written by hand.

A test that tries each member of a list takes them from the list, so that a new member is tried by
being there. A table that says what is to come of each member is written by hand; it is to name
all of them. What a test expects (`assert … == [...]`) is no copy, nor are names for the members.
Where it must be written by hand, a line of it says why: `# by hand: …`.
"""

import ast
import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import NamedTuple

import tidings
from tests.syntax import children
from tidings.app.connection_types import CONNECTION_TYPES
from tidings.core.access.credential_rules import KINDS as CREDENTIALS
from tidings.core.access.scopes import LEVELS, RESOURCES, ROLES
from tidings.core.actions.file.acts.acts import KINDS as ACTS
from tidings.core.actions.file.credentials import TYPES as ACTION_CREDENTIALS
from tidings.core.notices.operational_events import KINDS as EMAILS
from tidings.core.picks import CONVERSIONS
from tidings.core.picks import KINDS as PICKS
from tidings.core.shaping.filters.operator_list import COMPARISONS, OPERATORS, TEXTUAL
from tidings.core.shaping.platform_rules import ASKED
from tidings.core.sources.source import NEEDS as SOURCES
from tidings.core.sources.verification import VERIFICATION
from tidings.core.webhooks.authentication import SCHEMES
from tidings.core.webhooks.webhook_types import KINDS as WEBHOOKS

EXEMPT = "# by hand: "
FEWEST = 3
NEARLY = 0.75
"""Of a list: who names so many of its members means all of them."""

NAMED = {
    "ACTION_CREDENTIALS": ACTION_CREDENTIALS,
    "ACTS": ACTS,
    "ASKED": ASKED,
    "COMPARISONS": COMPARISONS,
    "CONNECTIONS": CONNECTION_TYPES,
    "CONVERSIONS": CONVERSIONS,
    "CREDENTIALS": CREDENTIALS,
    "EMAILS": EMAILS,
    "LEVELS": LEVELS,
    "OPERATORS": OPERATORS,
    "PICKS": PICKS,
    "RESOURCES": RESOURCES,
    "ROLES": ROLES,
    "SCHEMES": SCHEMES,
    "SOURCES": SOURCES,
    "TEXTUAL": TEXTUAL,
    "VERIFICATIONS": VERIFICATION.kinds,
    "WEBHOOKS": WEBHOOKS,
}
"""The lists of words that are no `Enum`."""

Lists = Mapping[str, frozenset[str]]


class Copy(NamedTuple):
    """A literal that names all or nearly all members of a list."""

    line: int
    name: str
    missing: frozenset[str]
    is_table: bool
    """Whether something is said of each member."""

    @property
    def is_fault(self) -> bool:
        """Whether the members must come from the list, or more of them must be named."""
        return bool(self.missing) or not self.is_table


def closed_lists() -> dict[str, frozenset[str]]:
    """Return the members of each list by its name: those of an `Enum` as `State.FAILED`."""
    found = {name: frozenset(map(str, members)) for name, members in NAMED.items()}
    for module in pkgutil.walk_packages(tidings.__path__, "tidings."):
        if ".core." in module.name:
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, type) and issubclass(value, Enum) and not name.startswith("_"):
                    found[name] = frozenset(f"{name}.{member}" for member in value.__members__)
    return {name: members for name, members in found.items() if len(members) >= FEWEST}


def copies(source: str, lists: Lists) -> Iterator[Copy]:
    """Find the copies in the source of a test."""
    lines, tree = source.splitlines(), ast.parse(source)
    words = _imported_words(tree)
    for node in _tried(tree):
        elements = node.keys if isinstance(node, ast.Dict) else node.elts
        heads = [_head(element, words) for element in elements]
        known = {head for head in heads if head}
        if len(known) < FEWEST or any(
            EXEMPT in line for line in lines[node.lineno - 1 : node.end_lineno]
        ):
            continue
        for name, members in lists.items():
            named = members & known
            if len(named) >= max(FEWEST, NEARLY * len(members)) and all(
                head in members for head in heads
            ):
                is_table = isinstance(node, ast.Dict) or any(map(_is_row, elements))
                yield Copy(node.lineno, name, members - named, is_table)
                break


def _tried(node: ast.AST) -> Iterator[ast.Tuple | ast.List | ast.Set | ast.Dict]:
    """Find the literals that are no part of what is expected, nor values of several names."""
    below = [node]
    for parent in below:
        for child in children(parent):
            if isinstance(child, ast.Compare) or (
                isinstance(child, ast.Assign) and isinstance(child.targets[0], ast.Tuple)
            ):
                continue
            if isinstance(child, ast.Tuple | ast.List | ast.Set | ast.Dict):
                yield child
            below.append(child)


def _is_row(element: ast.expr | None) -> bool:
    return isinstance(element, ast.Tuple | ast.List) or (
        isinstance(element, ast.Call) and ast.unparse(element.func) == "pytest.param"
    )


def _imported_words(tree: ast.Module) -> dict[str, str]:
    """Return the words of the core that a test has by a name, as `HTTP` of `webhook_types`."""
    words = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tidings.core."):
            module = vars(importlib.import_module(str(node.module)))
            for alias in node.names:
                if isinstance(word := module.get(alias.name), str):
                    words[alias.asname or alias.name] = word
    return words


def _head(element: ast.expr | None, words: Mapping[str, str]) -> str | None:
    """Return the member that an element of a literal is, or that a row of a table begins with."""
    if isinstance(element, ast.Tuple | ast.List) and element.elts:
        element = element.elts[0]
    if isinstance(element, ast.Call) and ast.unparse(element.func) == "pytest.param":
        element = element.args[0]
    if isinstance(element, ast.Constant) and isinstance(element.value, str):
        return element.value
    if isinstance(element, ast.Name):
        return words.get(element.id)
    return ast.unparse(element) if isinstance(element, ast.Attribute) else None
