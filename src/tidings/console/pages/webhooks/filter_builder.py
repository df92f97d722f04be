"""The filter of a webhook's form as it is shown: its rows, and what each field offers."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec

from tidings.catalogue.event_type import EventType
from tidings.console.pages.webhooks import filter_form
from tidings.console.pages.webhooks.form import WebhookFormState
from tidings.console.schema_tree import describe_types
from tidings.console.visit import Visit
from tidings.core.shaping.filters.conditions import (
    CONDITIONS_MAX,
    GROUPS_MAX,
    FilterCondition,
    Joined,
    operators_for,
    words_of,
)
from tidings.core.shaping.filters.offered_fields import OfferedField, is_personal, offer_fields
from tidings.core.shaping.filters.operand_text import read_operand, write_operand
from tidings.core.shaping.filters.operator_list import FILTER_OPERATORS, OperandKind
from tidings.core.shaping.filters.operators import decimal, is_number
from tidings.core.shaping.shape_rules import FILTER
from tidings.core.webhooks.name_matching import is_prefix
from tidings.errors import Invalid

KINDS_MAX = 40  # types whose fields are offered


class BuilderRow(msgspec.Struct, frozen=True):
    """A row as it is shown. `values`: what its field can hold, by the schemas."""

    position: int
    condition: FilterCondition
    operators: Sequence[tuple[str, str]]
    hint: str
    refusal: str
    values: Sequence[str]
    is_looked_up: bool  # whether values of events are offered
    has_focus: bool


class BuilderGroup(msgspec.Struct, frozen=True):
    """A group of rows as it is shown."""

    number: int
    joined: Joined
    rows: Sequence[BuilderRow]


class FilterBuilder(msgspec.Struct, frozen=True):
    """The filter of a form as it is shown. `groups` is None where it is edited as JSON."""

    text: str  # the filter as JSON
    groups: Sequence[BuilderGroup] | None
    joined: Joined
    fields: Sequence[OfferedField]
    has_types: bool
    has_room: bool
    has_room_for_groups: bool
    note: str
    refusals: Mapping[str, str]
    focus: str = ""
    is_open: bool = False  # without being asked


def build(
    visit: Visit,
    shown: WebhookFormState,
    refusals: Mapping[str, str],
    *,
    note: str = "",
    focus: str = "",
) -> FilterBuilder:
    """Build what is shown of a form's filter. `focus`: the position of the row that is to be typed
    into, or the word for its JSON."""
    kinds = kinds_named(visit, shown.names)
    fields = offer_fields(kinds)
    rows = _Rows(visit, kinds, fields, refusals, focus)
    groups = None
    if shown.rows is not None:
        groups = [
            BuilderGroup(number, group.joined, [rows.next(row) for row in group.conditions])
            for number, group in enumerate(shown.rows.groups)
        ]
    count = 0 if shown.rows is None else len(shown.rows.conditions)
    return FilterBuilder(
        text=shown.texts[FILTER],
        groups=groups,
        joined="any" if shown.rows is None else shown.rows.joined,
        fields=list(fields.values()),
        has_types=bool(kinds),
        has_room=count < CONDITIONS_MAX,
        has_room_for_groups=count < CONDITIONS_MAX and len(groups or ()) < GROUPS_MAX,
        note=note,
        refusals=refusals,
        focus=focus,
        is_open=bool(note or focus or _is_set(shown)),
    )


def _is_set(shown: WebhookFormState) -> bool:
    rows = shown.rows
    return bool(shown.texts[FILTER]) or not all(
        row.is_blank for row in (() if rows is None else rows.conditions)
    )


def kinds_named(visit: Visit, names: Sequence[str]) -> list[EventType]:
    """List the types that a form names, those of a prefix among them, at most `KINDS_MAX`."""
    types, org = visit.services.events.types, visit.caller.org
    known = types.names(org)
    prefixes = tuple(name[:-1] for name in names if is_prefix(name))
    named = [name for name in names if name in known]
    begun = [name for name in known if prefixes and name.startswith(prefixes)]
    found = (types.get(org, name) for name in dict.fromkeys([*named, *begun]))
    return list(islice((kind for kind in found if kind is not None), KINDS_MAX))


class _Rows:
    """Makes rows, one after the other."""

    def __init__(
        self,
        visit: Visit,
        kinds: Sequence[EventType],
        fields: Mapping[str, OfferedField],
        refusals: Mapping[str, str],
        focus: str,
    ) -> None:
        self._may_look = visit.may("logs:read")
        self._kinds = kinds
        self._fields = fields
        self._refusals = refusals
        self._focus = focus
        self._position = 0

    def next(self, row: FilterCondition) -> BuilderRow:
        """Build the next row."""
        position, field = self._position, self._fields.get(row.path)
        self._position += 1
        operators = operators_for(() if field is None else field.types)
        if row.operator not in dict(operators):
            operators.append((row.operator, words_of(row.operator)))
        personal = is_personal(self._kinds, row.path)
        return BuilderRow(
            position=position,
            condition=row,
            operators=operators,
            hint=_hint(row, field, len(self._kinds), personal=personal),
            refusal=self._refusals.get(f"{filter_form.ROW_PLACE}{position}", ""),
            values=[] if field is None else lines_for(row, values_by_schema(field)),
            is_looked_up=self._may_look and bool(row.path) and not personal,
            has_focus=self._focus == str(position),
        )


def values_by_schema(field: OfferedField) -> list[Any]:
    """List the values that a field can have, where its schemas say so."""
    booleans = [True, False] if "boolean" in field.types else []
    return [*field.values, *booleans]


def lines_for(row: FilterCondition, values: Sequence[Any]) -> list[str]:
    """Write values as the value of a row: of a list, behind what stands in it already; of a bound,
    a decimal text as the number that it is."""
    if not row.takes_value:
        return []
    lines = (_line(row, value) for value in values)
    return list(dict.fromkeys(line for line in lines if line is not None))


def _line(row: FilterCondition, value: Any) -> str | None:
    kind = FILTER_OPERATORS[row.name].operand
    if kind is OperandKind.LIST:
        return _list_line(row, value)
    if kind is OperandKind.BOUND and isinstance(value, str):
        number = decimal(value)
        return write_operand(row.name, value if number is None else number)
    return write_operand(row.name, value)


def _list_line(row: FilterCondition, value: Any) -> str | None:
    try:
        there = read_operand(row.name, row.value) if row.value else []
    except Invalid:
        there = []
    return None if value in there else write_operand(row.name, [*there, value])


def _hint(row: FilterCondition, field: OfferedField | None, kinds: int, *, personal: bool) -> str:
    """Say what a row's field is, and what its value is taken for."""
    parts = []
    if field is not None:
        types = describe_types(field.types)
        parts.append(f"{types[:1].upper()}{types[1:]}. {field.about}".strip())
        if len(field.found_in) < kinds:
            some, more = ", ".join(field.found_in[:3]), len(field.found_in) - 3
            parts.append(f"Only in {some}{f' and {more} more' if more > 0 else ''}.")
    elif row.path and kinds:
        parts.append("The schemas of the chosen types do not name this field.")
    if personal:
        parts.append("Personal data: values of events are not offered.")
    if _is_number_for_text(row, field):
        parts.append(
            f'Compared as a number, which finds the text {row.value} too. Write "{row.value}" '
            "for exactly that text."
        )
    if row.takes_value and FILTER_OPERATORS[row.name].operand is OperandKind.LIST:
        parts.append("Values are parted by commas.")
    return " ".join(parts)


def _is_number_for_text(row: FilterCondition, field: OfferedField | None) -> bool:
    if field is None or field.types != ("string",) or not row.takes_value or not row.value:
        return False
    return is_number(read_operand(row.name, row.value)) and row.name == "eq"
