"""The texts of errors, as they stand in the source."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import tidings
from tests.syntax import parsed, walk

SOURCE = Path(tidings.__file__).parent

# Functions and exceptions of the code whose texts a caller, an operator or a user gets to read.
REFUSE = frozenset(
    "refuse refused warn CommandExit Denied TransportFault ActionsFileFault EventFault "
    "FieldRefusal CallRefusal TargetRefused BackupRefused SchemaRefused RecordRefused "
    "call_refused user_refused FilterRefused LoadRefused AnswerRefused BadFile FileFault "
    "PlatformDown BootstrapRefused VaultRefused ServiceUnreachable DemoFailed Unrenderable "
    "SettingsRefused StoreRefused WaitsFor MapRefused "
    "_refused _refusal _fault because build".split()
)
# Those that are handed the parts of a text, and put its code and its place at the end of it.
# Each with where among its arguments the code is; the sentence follows.
BUILD = {"because": 0, "build": 0, "refused": 1}
PLACES = ("field", "header", "place")

SENTENCE = re.compile(r"[A-Za-z…\"(].* .*[.:…)\w]", re.S)

UNKIND = re.compile(
    r"\b(invalid|illegal|oops|sorry|please|wrongly|bad request|exception|traceback|stack|"
    r"null pointer|unexpected error|internal error|something went wrong|unable to|not allowed)\b",
    re.IGNORECASE,
)

Text = tuple[str, int, str, str]  # file, line, by what, the text


def _words(node: ast.expr) -> str | None:
    """A text of the code, with … for what is filled in; None for what is no text."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(_words(part) or "…" for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _words(node.left), _words(node.right)
        return None if left is None and right is None else f"{left or '…'}{right or '…'}"
    if isinstance(node, ast.IfExp):
        return _words(node.body) or _words(node.orelse)
    return None


def _of_call(node: ast.Call, named: dict[str, str]) -> Iterator[str]:
    by = getattr(node.func, "attr", getattr(node.func, "id", ""))
    code_at = BUILD.get(by)
    for argument in [
        *node.args,
        *(keyword.value for keyword in node.keywords if keyword.arg not in PLACES),
    ]:
        said = named.get(argument.id) if isinstance(argument, ast.Name) else _words(argument)
        if said and SENTENCE.fullmatch(said):
            parts = code_at is not None and argument in node.args[code_at + 1 :]
            yield f"{said} ({_part(node.args[code_at or 0])}, {_place(node)})" if parts else said


def _place(node: ast.Call) -> str:
    """What a text is about, by the call that it is handed to."""
    words = {keyword.arg: _part(keyword.value) for keyword in node.keywords}
    for name in PLACES[:2]:
        if name in words:
            return f"{name} {words[name]}"
    return words.get("place", "-")


def _part(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return str(node.value)
    return _words(node) or "…"


def values(nodes: list[ast.AST]) -> Iterator[tuple[int, str, ast.expr]]:
    """The texts of declared fields of the kind `ParsedField` among the nodes of a module, each with
    its line and its code. It is handed their parts; the name is that of the field, where the same
    module declares it."""
    named: dict[str, str] = {}  # of kinds, by their names in the code
    for node in nodes:
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Field":
            if len(node.args) > 1 and isinstance(node.args[1], ast.Name):
                name, kind = _words(node.args[0]) or "…", node.args[1].id
                named[kind] = name if named.get(kind, name) == name else "…"
    for node in nodes:
        value = node.value if isinstance(node, ast.Assign | ast.Return) else None
        if isinstance(value, ast.Call) and getattr(value.func, "id", "") == "ParsedField":
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            name = named.get(target.id, "…") if isinstance(target, ast.Name) else "…"
            _, must, code = value.args[:3]
            advice = next(given.value for given in value.keywords if given.arg == "advice")
            said = f"{name} must be {_words(must) or '…'}; got …. {_words(advice) or '…'}"
            yield value.lineno, said, code


@cache
def texts() -> list[Text]:
    """All of them, in the order of files and lines; gathered once."""
    found: list[Text] = []
    for path in sorted(SOURCE.rglob("*.py")):
        if "node_modules" in path.parts:
            continue
        whole, file = walk(parsed(path)), path.relative_to(SOURCE).as_posix()
        found += [(file, line, "refuse", said) for line, said, _ in values(whole)]
        for scope in whole:
            if not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            nodes = walk(scope)
            named: dict[str, str] = {}  # texts that have a name before they are said
            for node in nodes:
                if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                    if (said := _words(node.value)) is not None:
                        named[node.targets[0].id] = said
            for node in nodes:
                if not isinstance(node, ast.Call):
                    continue
                by = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if by in REFUSE:
                    found += [(file, node.lineno, by, text) for text in _of_call(node, named)]
    return sorted(set(found))
