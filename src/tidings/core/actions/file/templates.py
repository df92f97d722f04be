"""Texts and JSON of an act: what in them is a template, what a value, and what always the same.

Pure. A text with `{{` or `{%` in it is a template; `{file = "…"}` is the text of a file beside the
file of actions; in JSON `{path = "…"}` is the value that stands there as it is, the same with
`with` is that value with some of it other, and `{constant = …}` what never is a template.
"""

import math
from collections.abc import Mapping
from posixpath import join, normpath
from typing import Any

from tidings.core.actions.action import (
    Each,
    Merged,
    OperatorSecret,
    Part,
    PathValue,
    Plain,
    TemplatedText,
)
from tidings.core.actions.file.faults import quoted
from tidings.core.actions.file.table import Table, View, listed
from tidings.core.connections.references import FileUnread
from tidings.core.form import nearest
from tidings.core.shaping.transformation_rules import TEMPLATE_MAX
from tidings.core.webhooks.targets.mailing import is_template
from tidings.values import describe_value

FILE, PATH, CONSTANT = "file", "path", "constant"
WITH, BY = "with", "by"
FILE_BYTES_MAX = 4 * TEMPLATE_MAX
PARTS_MAX = 500
DEPTH_MAX = 12
NAME_MAX = 128  # characters of a name in JSON


def absolute(table: Table, name: str) -> str:
    """Return the absolute path of a file that is named from the folder of the file of actions."""
    return normpath(join(table.given.folder, name))


def text_in(
    table: Table, field: str, view: View, *, most: int = TEMPLATE_MAX, html: bool = False
) -> TemplatedText | Plain | None:
    """Read the text in a field; None if it is left out, or none, which is reported."""
    if table.body.get(field) is None:
        return None
    return text_of(table, field, table.body[field], view, most=most, html=html)


def text_of(
    table: Table,
    field: str,
    value: object,
    view: View,
    *,
    most: int = TEMPLATE_MAX,
    html: bool = False,
) -> TemplatedText | Plain | None:
    """Read a value as a text; None if it is none, which is reported. `field`: where it stands. What
    is made of it is kept and shown, so it must be no secret."""
    if isinstance(value, str) and is_kept(table, field):
        return None
    if isinstance(value, dict) and list(value) == [FILE]:
        value = _of_file(table, f"{field}.{FILE}", value[FILE])
        if value is None:
            return None
    if not isinstance(value, str) or not 0 < len(value) <= most:
        got = f"{len(value)} characters" if isinstance(value, str) else describe_value(value)
        table.refuse(
            "bad_template",
            field,
            f'{field} must be a text of 1 to {most} characters, or {{file = "…"}}; got {got}. '
            "Write less, or leave it out.",
        )
        return None
    if not is_template(value):
        return Plain(value)
    return TemplatedText(value, html) if _holds(table, field, value, view) else None


def is_kept(table: Table, field: str) -> bool:
    """Return whether a field, or something in it, comes from elsewhere although it is kept and
    shown; told where it does."""
    if not table.holds_reference(field):
        return False
    table.refuse(
        "secret_kept",
        field,
        f"{field} must be written in the file, since its result is stored and shown; it comes from "
        "elsewhere. Put a secret into a credential, or into json or form of a call.",
    )
    return True


def refuse_empty(table: Table, field: str, secret: str) -> None:
    """Refuse a secret that is empty: its variable is most often one that nobody has set."""
    if not secret:
        message = f"{field} must not be empty; the value that it reads is. Set it, and start again."
        table.refuse("missing_reference", field, message)


def _of_file(table: Table, field: str, name: object) -> str | None:
    got = describe_value(name)
    if isinstance(name, str) and name and "\x00" not in name:
        try:
            return table.given.read(absolute(table, name), FILE_BYTES_MAX)
        except FileUnread as error:
            got = f"{describe_value(name)}, {error.got}"
    table.refuse(
        "bad_file",
        field,
        f"{field} must be a readable text file of at most {FILE_BYTES_MAX} bytes; got {got}. Name "
        "one from the folder of this file.",
    )
    return None


def _holds(table: Table, field: str, template: str, view: View) -> bool:
    """Return whether a template can be run on what the action sees; told where it cannot."""
    names = table.given.check_template(template)
    if isinstance(names, str):
        table.refuse("bad_template", field, f"{field} must be a template of MiniJinja. {names}")
        return False
    roots = {name.partition(".")[0] for name in names}
    for root in sorted(roots - {*view.names}):
        table.refuse(
            "unknown_name",
            field,
            f"{field} must be made of {listed(view.names, 'and')} alone; got "
            f"{describe_value(root)}."
            f"{nearest(root, view.names) or ' Name the look-up in lookups of the action.'}",
        )
    for name in sorted(names):
        if "." in name and name.partition(".")[0] in view.names:
            table.knows(field, name, view)
    return roots <= {*view.names}


# -- JSON -----------------------------------------------------------------------------------------


def part_in(table: Table, field: str, view: View, *, secrets: bool = False) -> Part | None:
    """Read what the JSON in a field is made of; None where it is left out or none, which is told.
    `secrets`: whether it may hold some."""
    if table.body.get(field) is None:
        return None
    return TemplateReader(table, view, secrets=secrets).of(field, table.body[field])


class TemplateReader:
    """Reads the parts of one act, and counts them."""

    def __init__(self, table: Table, view: View, *, secrets: bool = False) -> None:
        self._table = table
        self._view = view
        self._secrets = secrets
        self._count = 0

    def of(self, field: str, value: Any, depth: int = 1) -> Part:
        """Return what a value is made of; what it cannot be is told."""
        self._count += 1
        if self._count == PARTS_MAX + 1 or depth > DEPTH_MAX:
            self._table.refuse(
                "too_many",
                field,
                f"{field} must be of at most {PARTS_MAX} values, {DEPTH_MAX} deep; got more. Send "
                "less, or make a text of it.",
            )
        if self._count > PARTS_MAX or depth > DEPTH_MAX:
            return Plain(None)
        if isinstance(value, dict):
            return self._object(field, value, depth)
        if isinstance(value, list):
            parts = [
                self.of(f"{field}[{at}]", element, depth + 1)
                for at, element in enumerate(value[:PARTS_MAX])
            ]
            return _joined(parts)
        if isinstance(value, str):
            if self._secrets and self._table.is_reference(field):
                refuse_empty(self._table, field, value)
                return OperatorSecret(value)
            made = text_of(self._table, field, value, self._view) if value else None
            return made or Plain("")
        if not is_json(value):
            self._table.refuse(
                "bad_type",
                field,
                f"{field} must be a text, a 64-bit number, true, false, a list or a table; got "
                f"{describe_value(value)}. Write it as a text.",
            )
        return Plain(value)

    def _object(self, field: str, value: dict[str, Any], depth: int) -> Part:
        if list(value) == [PATH] and isinstance(value[PATH], str):
            if self._table.is_seen(f"{field}.{PATH}", value[PATH], self._view):
                return PathValue(value[PATH])
            return Plain(None)
        if {PATH, WITH} <= {*value} <= {PATH, WITH, BY}:
            return self._merged(field, value, depth)
        if list(value) == [FILE]:
            return text_of(self._table, field, value, self._view) or Plain("")
        if list(value) == [CONSTANT]:
            return self._constant(f"{field}.{CONSTANT}", value[CONSTANT])
        for name in value:
            if len(name) > NAME_MAX:
                self._table.refuse(
                    "bad_name",
                    field,
                    f"The names in {field} must have at most {NAME_MAX} characters; got "
                    f"{describe_value(name)}. Shorten it.",
                )
        return _joined(
            {
                name: self.of(f"{field}.{quoted(name)}", element, depth + 1)
                for name, element in value.items()
            }
        )

    def _merged(self, field: str, value: dict[str, Any], depth: int) -> Part:
        path, parts, by = value[PATH], value[WITH], value.get(BY)
        is_list = isinstance(by, str) and _are_known_by(parts, by)
        if not is_list and not (by is None and isinstance(parts, dict)):
            self._table.refuse(
                "bad_merge",
                f"{field}.{WITH}",
                f"{field}.{WITH} must be a table of the fields that differ, or, with by, a list of "
                f"tables that all have that field; got {describe_value(parts)}. Write "
                '{path = "shop", with = {…}} or {path = "shop.codes", by = "code", with = [{…}]}.',
            )
            return Plain(None)
        if not self._table.is_seen(f"{field}.{PATH}", path, self._view):
            return Plain(None)
        place = f"{field}.{WITH}"
        if isinstance(parts, dict):
            fields = {
                name: self.of(f"{place}.{quoted(name)}", part, depth + 2)
                for name, part in parts.items()
            }
            return Merged(path, fields)
        items = [self.of(f"{place}[{at}]", part, depth + 2) for at, part in enumerate(parts)]
        return Merged(path, items, by or "")

    def _constant(self, field: str, value: Any) -> Plain:
        if self._table.holds_reference(field):
            self._table.refuse(
                "secret_kept",
                field,
                f"{field} must be written in the file, since it is stored and shown; part of it "
                "comes from elsewhere. Write a secret in json or form of a call without constant.",
            )
        elif not all_json(value):
            self._table.refuse(
                "bad_type",
                field,
                f"{field} must be a JSON value; got {describe_value(value)}. Write times as texts.",
            )
        return Plain(value)


def _are_known_by(parts: object, by: str) -> bool:
    """Return whether these are tables that all have a field."""
    return isinstance(parts, list) and all(isinstance(part, dict) and by in part for part in parts)


def is_json(value: object) -> bool:
    """Return whether JSON has a value that is neither a list nor an object, and ours can write
    it."""
    if isinstance(value, bool | str):
        return True
    if isinstance(value, int):
        return -(1 << 63) <= value < 1 << 63
    return isinstance(value, float) and math.isfinite(value)


def all_json(value: object) -> bool:
    """Return whether `is_json` holds for all that a value contains."""
    if isinstance(value, dict):
        return all(map(all_json, value.values()))
    return all(map(all_json, value)) if isinstance(value, list) else is_json(value)


def _joined(parts: list[Part] | dict[str, Part]) -> Part:
    """Join the parts of an object or a list: into a plain one if all of them are."""
    values = parts.values() if isinstance(parts, Mapping) else parts
    if not all(isinstance(part, Plain) for part in values):
        return Each(parts)
    if isinstance(parts, Mapping):
        return Plain({name: part.value for name, part in parts.items() if isinstance(part, Plain)})
    return Plain([part.value for part in parts if isinstance(part, Plain)])
