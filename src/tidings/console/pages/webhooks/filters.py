"""Beside the form of a webhook: its filter is built row by row, and tried on the last events.

Nothing is kept. Values and events are payload data: they are for who may read the log, and each
event of which something is shown leaves an entry in the audit log.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from starlette.responses import Response

from tidings.console.json_view import lay_out
from tidings.console.pages.webhooks import edit, filter_builder, filter_form
from tidings.console.pages.webhooks import form as webhook_form
from tidings.console.pages.webhooks.filter_builder import lines_for, values_by_schema
from tidings.console.pages.webhooks.form import WebhookFormState, placed
from tidings.console.pages.webhooks.summary import WebhookSummary
from tidings.console.visit import SEES_EVENTS, Visit
from tidings.core.shaping.filters.conditions import ConditionTree
from tidings.core.shaping.filters.no_match import describe_no_match
from tidings.core.shaping.filters.offered_fields import is_personal, offer_fields
from tidings.core.shaping.shape_rules import FILTER
from tidings.errors import Conflict, FieldRefusal, Invalid, RequestRefused, not_found
from tidings.reads.webhooks.filter_matches import (
    LAST,
    FilterMatches,
    count_matches,
    recent_values,
)
from tidings.reads.webhooks.preview import BYTES_MAX, try_event

NO_ROWS = (
    "Conditions cannot show this filter: it says more than groups of conditions can. It stays "
    "as it is, and can be edited as JSON."
)


class _BuilderChange(msgspec.Struct):
    """The outcome of a change to the rows of a form."""

    refusals: Sequence[FieldRefusal] = ()
    note: str = ""
    focus: str = ""


async def change(visit: Visit) -> Response:
    """Show the filter of the form anew: with a row or a group more, with a row less, as JSON or as
    rows; what was typed stays. Raise NotFound for any other change."""
    shown = webhook_form.of_form(visit.form, visit.lists)
    word, _, number = visit.request.path_params["act"].partition("-")
    position = int(number) if number.isascii() and number.isdigit() and len(number) < 4 else 0
    if word not in _CHANGES:
        raise not_found("act", "a change to the conditions of a filter", word)
    changed = _CHANGES[word](shown, position)
    if visit.partial:
        refused = placed(changed.refusals)
        builder = filter_builder.build(
            visit, shown, refused, note=changed.note, focus=changed.focus
        )
        return visit.page("parts/filter_builder.html", builder=builder)
    kept = edit.kept_webhook(visit)
    source = None if kept is not None else edit.copied_webhook(visit)
    return await edit.form_page(
        visit,
        shown,
        record=kept,
        source=source,
        refusals=changed.refusals,
        note=changed.note,
        focus=changed.focus or "rows",
    )


def _add_row(shown: WebhookFormState, number: int) -> _BuilderChange:
    rows = shown.rows or filter_form.rows_shown(ConditionTree())
    shown.rows = filter_form.with_row(rows, number)
    behind = [len(group.conditions) for group in shown.rows.groups[: number + 1]]
    return _BuilderChange(focus=str(sum(behind) - 1))


def _add_group(shown: WebhookFormState, _: int) -> _BuilderChange:
    rows = shown.rows or filter_form.rows_shown(ConditionTree())
    shown.rows = filter_form.with_group(rows)
    return _BuilderChange(focus=str(len(shown.rows.conditions) - 1))


def _drop_row(shown: WebhookFormState, position: int) -> _BuilderChange:
    rows = shown.rows or filter_form.rows_shown(ConditionTree())
    shown.rows = filter_form.without_row(rows, position)
    return _BuilderChange(focus=str(min(position, len(shown.rows.conditions) - 1)))


def _check(shown: WebhookFormState, _: int) -> _BuilderChange:
    """Look the rows through; those that are still written are let be."""
    if shown.rows is None:
        return _BuilderChange()
    refusals = filter_form.filter_in(shown.rows, shown.texts[FILTER])[1]
    return _BuilderChange(
        refusals=[refusal for refusal in refusals if _is_filled(shown.rows, refusal)]
    )


def _as_rows(shown: WebhookFormState, _: int) -> _BuilderChange:
    """Show the filter as rows where it has some."""
    if shown.rows is not None:
        return _check(shown, 0)
    wrong = webhook_form.body_of(shown)[1]
    of_filter = [refusal for refusal in wrong if refusal.field == FILTER]
    if of_filter:
        return _BuilderChange(refusals=of_filter)
    shown.rows = filter_form.rows_of_json(shown.texts[FILTER])
    if shown.rows is None:
        return _BuilderChange(note=NO_ROWS)
    return _BuilderChange(focus="0")


def _is_filled(rows: ConditionTree, refusal: FieldRefusal) -> bool:
    """Return whether a refused row has both a field and a value: the others are still written."""
    position = int(refusal.field.removeprefix(filter_form.ROW_PLACE))
    row = rows.conditions[position]
    return bool(row.path and row.value)


def _as_json(shown: WebhookFormState, _: int) -> _BuilderChange:
    """Show the filter of the rows as JSON, unless a row cannot be read."""
    if shown.rows is None:
        return _BuilderChange()
    made, refusals = filter_form.filter_in(shown.rows, shown.texts[FILTER])
    if refusals:
        return _BuilderChange(refusals=refusals)
    shown.texts[FILTER] = "" if made is None else filter_form.laid_out(made)
    shown.rows = None
    return _BuilderChange(focus="json")


_CHANGES: dict[str, Callable[[WebhookFormState, int], _BuilderChange]] = {
    "check": _check,
    "rows": _as_rows,
    "json": _as_json,
    "add": _add_row,
    "group": _add_group,
    "drop": _drop_row,
}


async def offer_values(visit: Visit) -> Response:
    """List the values that the field of a row has had in the newest events of the types, where
    they are no personal data and the visitor may read the log."""
    shown = webhook_form.of_form(visit.form, visit.lists)
    rows = () if shown.rows is None else shown.rows.conditions
    number = visit.request.path_params["row"]
    position = int(number) if number.isascii() and number.isdigit() and len(number) < 4 else -1
    if not 0 <= position < len(rows):  # it has just been removed
        return visit.page("parts/filter_values.html", values=[])
    row, kinds = rows[position], filter_builder.kinds_named(visit, shown.names)
    field = offer_fields(kinds).get(row.path)
    values = [] if field is None else values_by_schema(field)
    if visit.may(SEES_EVENTS) and not is_personal(kinds, row.path):
        found = await recent_values(visit.services, visit.caller.org, shown.names, row.path)
        for event in found.events:
            visit.view_payload("event", event)
        values = [*found.values, *values]
    return visit.page("parts/filter_values.html", values=lines_for(row, values))


# -- what it takes of the last events -------------------------------------------------------------


async def show_matches(visit: Visit) -> Response:
    """Show how many of the last events the filter of the form takes, the newest that it takes, and
    why it does not take the newest other one."""
    values = await _matches(visit)
    template = "parts/filter_matches.html" if visit.partial else "webhook_filter.html"
    return visit.page(template, last=LAST, **values)


async def _matches(visit: Visit) -> dict[str, Any]:
    kept, shown = edit.kept_webhook(visit), webhook_form.of_form(visit.form, visit.lists)
    found: dict[str, Any] = {"found": None, "taken": None, "refusals": (), "hint": ""}
    found["sentence"] = ""
    if not visit.may(SEES_EVENTS):
        return found | {"hint": f"Counting takes the scope {SEES_EVENTS}, which you do not hold."}
    if not shown.names:
        return found | {"hint": "Choose an event to see how many the filter matches."}
    try:
        webhook = edit.webhook_in(visit, shown, kept)
        if webhook.filter is None:
            return found | {"hint": "No filter is set: all events of the types match."}
        matches = await count_matches(visit.services, webhook)
    except (Invalid, Conflict) as refused:
        return found | {"refusals": [refusal.message for refusal in refused.refusals]}
    except RequestRefused as refused:
        return found | {"hint": refused.refusals[0].message}
    for stored in (matches.taken, matches.refused):
        if stored is not None:
            visit.view_payload("event", stored.id)
    row = None
    if matches.taken is not None:
        row = await try_event(visit.services, webhook, matches.taken, BYTES_MAX)
        text = None if row["body"] is None else row["body"]["text"]
        row["shown"] = lay_out(text.encode()) if text else None
    return found | {"found": matches, "taken": row, "sentence": _sentence(matches)}


def _sentence(found: FilterMatches) -> str:
    """Say how many of the last events match; of none why, in the words of `tidings doctor`."""
    if not found.looked:
        return "No event of these types has arrived yet."
    if not found.matched and found.refusal is not None:
        return describe_no_match(found.looked, found.refusal.why)
    cut = "" if found.ended else ": to look at more would take too long"
    return (
        f"{found.matched:,} of the last {found.looked:,} "
        f"event{'' if found.looked == 1 else 's'} match{'es' if found.matched == 1 else ''}{cut}."
    )


async def say_no_match(visit: Visit, summary: WebhookSummary) -> str:
    """Say that the filter of a webhook has taken none of its last events, and why not the newest,
    in the words of `tidings doctor`; nothing where it has. Why is for who may read the log."""
    webhook, looked = summary.record.webhook, summary.judged.refused_by_filter
    if looked is None or webhook.filter is None:
        return ""
    unknown = describe_no_match(LAST, "open the filter to see why.")
    if not visit.may(SEES_EVENTS):
        return unknown
    try:
        found = await count_matches(visit.services, webhook, last=1)
    except RequestRefused:
        return unknown
    if found.refused is None or found.refusal is None:
        return unknown
    visit.view_payload("event", found.refused.id)
    return describe_no_match(LAST, found.refusal.why)
