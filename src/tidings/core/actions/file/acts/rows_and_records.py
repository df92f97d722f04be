"""The acts `row`, of a table that the connection declares, and `record`, of a Kafka topic. Pure."""

from tidings.core.actions.action import KafkaRecordAct, TableRowAct
from tidings.core.actions.file.connected import DeclaredNames, connection_in
from tidings.core.actions.file.table import Table, View, listed
from tidings.core.actions.file.templates import TemplateReader, part_in, text_in
from tidings.core.connections.connection import Connection
from tidings.core.connections.tables import shared_table, tables_of
from tidings.core.form import nearest
from tidings.core.ids import OrgId
from tidings.core.webhooks.targets.kafka_topic import TOPIC, not_published
from tidings.core.webhooks.targets.mailing import SUBJECT_MAX
from tidings.values import describe_value


def row_of(table: Table, view: View, declared: DeclaredNames) -> TableRowAct | None:
    """Read the row that a table declares. What is wrong is reported; None comes back if there is no
    row."""
    table.refuse_unknown(("connection", "table", "values"))
    connection = connection_in(table, declared.connections, "sql")
    there = [table.need("table", '"customer_state"'), table.need("values", "{tier = …}")]
    name = table.line("table", 127, '"customer_state"')
    values = table.table("values", '{tier = {path = "event.data.tier"}}')
    if not all(there) or values is None or not name:
        return None
    parts = TemplateReader(values, view)
    made = {column: parts.of(column, value) for column, value in values.body.items()}
    if connection is not None:
        _check_columns(table, values, connection, name, declared.org)
    return TableRowAct("" if connection is None else connection.name, name, made)


def _check_columns(
    table: Table, values: Table, connection: Connection, name: str, org: OrgId
) -> None:
    """Check that the connection declares the table, with the columns that are set."""
    declared = tables_of(connection.fields, org)
    if (found := declared.get(name)) is None:
        known = listed(declared) if declared else "none"
        table.refuse(
            "unknown_table",
            "table",
            f"table must be one that the connection {connection.name} declares: {known}; "
            f"got {describe_value(name)}.{nearest(name, declared) or ' Declare it there.'}",
        )
        return
    if found.key and shared_table(connection, found):
        table.warn(
            "shared_table",
            "table",
            f"table should have the org in its key, since several orgs may name {connection.name}: "
            f"otherwise one org changes another's rows; got {name}. Declare its org, or a table "
            "for "
            "each by {org} in the name.",
        )
    for column in values.body:
        if column not in found.settable:
            values.refuse(
                "unknown_column",
                column,
                f"The columns of the table {name} must be of {listed(found.settable)}; got "
                f"{describe_value(column)}."
                f"{nearest(column, found.settable) or ' Declare it for the connection.'}",
            )
    if lacking := sorted(found.needed - {*values.body}):
        values.refuse(
            "field_missing",
            "",
            f"values must have {lacking[0]}, by which rows of the table {name} are known; got "
            f'nothing for it. Write {lacking[0]} = {{path = "event.…"}}.',
        )


def record_of(table: Table, view: View, declared: DeclaredNames) -> KafkaRecordAct | None:
    """Read the record that a table declares; what is wrong with it is reported."""
    table.refuse_unknown(("connection", "topic", "key", "json", "text"))
    connection = connection_in(table, declared.connections, "kafka")
    table.need("topic", '"crm.welcome"')
    topic = table.text(
        "topic",
        "1 to 249 of a-z A-Z 0-9 . _ -",
        lambda text: TOPIC.fullmatch(text) is not None,
        '"crm.welcome"',
        "bad_name",
    )
    if (
        topic
        and connection is not None
        and (reason := not_published(connection, topic, declared.org))
    ):
        table.refuse("topic_not_admitted", "topic", reason)
    if table.body.get("json") is not None and table.body.get("text") is not None:
        table.refuse("bad_body", "text", "A record must have json or text; got both. Remove one.")
    return KafkaRecordAct(
        "" if connection is None else connection.name,
        topic,
        key=text_in(table, "key", view, most=SUBJECT_MAX),
        json=part_in(table, "json", view),
        text=text_in(table, "text", view),
    )
