"""`[source]` of a file of actions: where its events come from. Pure."""

from tidings.core.actions.file.credentials import warn_of_plain
from tidings.core.actions.file.table import Table
from tidings.core.actions.file.templates import all_json
from tidings.core.sources.source import Source, body_of_table, read_source
from tidings.values import describe_value


def source_of(table: Table | None) -> tuple[Source | None, bool]:
    """Read the source that a table declares, and whether the table has `paused`. The source is None
    where there is no table, or it is wrong, which is reported."""
    if table is None:
        return None, False
    if "org" in table.body:
        table.refuse(
            "unknown_field",
            "org",
            "org must be at the top of the file; got it in source too. Remove it.",
        )
    warn_of_plain(table)
    body, wrong = body_of_table(
        {field: value for field, value in table.body.items() if field != "org"}
    )
    for field, why in wrong.items():
        table.refuse(
            "bad_type",
            field,
            f"{field} must be a table, or JSON text ({why}); got {describe_value(body[field])}. "
            "Fix it.",
        )
    if not all_json(body):
        table.refuse(
            "bad_type",
            "",
            "source must contain texts, 64-bit numbers, booleans, lists and tables; got something "
            "else, such as a date. Put it in quotes.",
        )
    if wrong or not all_json(body):
        return None, False
    made = read_source(body)
    if isinstance(made, Source):
        return made, "paused" in body
    table.take_in(made, "")
    return None, False
