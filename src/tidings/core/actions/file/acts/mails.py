"""The act `mail`: an e-mail over a connection of type smtp. Pure."""

from tidings.core.actions.action import MailAct, Plain, TemplatedText
from tidings.core.actions.file.connected import DeclaredNames, connection_in
from tidings.core.actions.file.table import Table, View
from tidings.core.actions.file.templates import is_kept, text_in, text_of
from tidings.core.connections.connection import Connection
from tidings.core.mail_addresses import address_of
from tidings.core.webhooks.targets.mailing import (
    SMTP,
    SUBJECT_MAX,
    TO_MAX,
    UNSUBSCRIBE_MAX,
    is_template,
    is_way_out,
    recipients_of,
)
from tidings.values import describe_value


def mail_of(table: Table, view: View, declared: DeclaredNames) -> MailAct | None:
    """Read the mail that a table declares. What is wrong is reported; None comes back if there is
    no mail."""
    table.refuse_unknown(("connection", "to", "subject", "text", "html", "unsubscribe"))
    connection = connection_in(table, declared.connections, SMTP)
    to = _to(table, view, connection)
    table.need("subject", '"Welcome, {{ contact.name }}"')
    subject = text_in(table, "subject", view, most=SUBJECT_MAX)
    text = text_in(table, "text", view)
    html = text_in(table, "html", view, html=True)
    if table.body.get("text") is None and table.body.get("html") is None:
        table.refuse(
            "field_missing",
            "text",
            "A mail must have text, html or both; got neither. Write "
            'text = {file = "templates/welcome.txt"}.',
        )
    if isinstance(subject, Plain) and not str(subject.value).isprintable():
        table.refuse("bad_text", "subject", "subject must be one line; got several. Join them.")
    if subject is None or not to:
        return None
    unsubscribe = text_in(table, "unsubscribe", view, most=UNSUBSCRIBE_MAX)
    if isinstance(unsubscribe, Plain) and not is_way_out(str(unsubscribe.value)):
        table.refuse(
            "bad_unsubscribe",
            "unsubscribe",
            "unsubscribe must be a URL that begins with https://, or mailto: and an address; got "
            f"{describe_value(unsubscribe.value)}. Write "
            '"https://brand.example/stop?customer={{ contact.id }}".',
        )
    name = "" if connection is None else connection.name
    return MailAct(
        connection=name, to=to, subject=subject, text=text, html=html, unsubscribe=unsubscribe
    )


def _to(
    table: Table, view: View, connection: Connection | None
) -> tuple[TemplatedText | Plain, ...]:
    if not table.need("to", '"{{ contact.email }}"'):
        return ()
    if is_kept(table, "to"):
        return ()
    value = table.body["to"]
    every = value if isinstance(value, list) else [value]
    if not 0 < len(every) <= TO_MAX:
        table.refuse(
            "bad_type",
            "to",
            f"to must be an e-mail address or a list of 1 to {TO_MAX}; got {len(every)} of "
            'them. Write "{{ contact.email }}".',
        )
        return ()
    found: list[TemplatedText | Plain] = []
    for at, recipient in enumerate(every):
        place = f"to[{at}]" if isinstance(value, list) else "to"
        if isinstance(recipient, str) and is_template(recipient):
            made = text_of(table, place, recipient, view, most=SUBJECT_MAX)
            found += [] if made is None else [made]
        elif (address := address_of(recipient)) is not None:
            found.append(Plain(address))
        else:
            table.refuse(
                "bad_address",
                place,
                f"{place} must be one plain e-mail address, or a template of one; got "
                f"{describe_value(recipient)}. Write only the address, such as ops@brand.example.",
            )
        _admitted(table, place, connection, recipient)
    return tuple(found) if len(found) == len(every) else ()


def _admitted(table: Table, place: str, connection: Connection | None, one: object) -> None:
    """Return whether the operator lets this be written to over the connection."""
    if connection is None or not isinstance(one, str):
        return
    recipients = recipients_of(connection.fields)
    if is_template(one):
        if not recipients.any:
            table.refuse(
                "recipients_fixed",
                place,
                f"{place} must be an address, not a template, over the connection "
                f'{connection.name}; got {describe_value(one)}. Set recipients = "any" in the '
                "connection to allow addresses from events.",
            )
    elif (address := address_of(one)) is not None and not recipients.admits(address):
        table.refuse(
            "recipient_not_admitted",
            place,
            f"{place} must be in the domains that the connection {connection.name} admits; got "
            f"{describe_value(one)}. Add its domain there.",
        )
