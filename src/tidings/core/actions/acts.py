"""What an action does: exactly one of `mail`, `call`, `row` and `record`, perhaps with what is
other in a language. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from tidings.core.actions.action import (
    Act,
    Call,
    Credential,
    Mail,
    Part,
    Plain,
    Record,
    Row,
    Text,
)
from tidings.core.actions.calls import (
    credential_header,
    credential_in,
    headers_in,
    url_in,
)
from tidings.core.actions.connected import connection_in
from tidings.core.actions.table import Table, View, listed
from tidings.core.actions.templates import Parts, is_json, part_in, text_in, text_of
from tidings.core.actions.when import LANGUAGE, filter_in
from tidings.core.connections.connection import Connection
from tidings.core.connections.tables import tables_of
from tidings.core.form import came, nearest
from tidings.core.mail_addresses import address_of
from tidings.core.webhooks.headers import header_fits
from tidings.core.webhooks.kafka_topic import TOPIC, not_published
from tidings.core.webhooks.mailing import SMTP, SUBJECT_MAX, TO_MAX, is_template, recipients_of

KINDS = ("mail", "call", "row", "record")
METHODS = ("POST", "PUT", "PATCH", "GET", "DELETE")
LANGUAGES_MAX = 50
FORM_MAX = 100
CONTENT_TYPE_MAX = 200
Connected = Mapping[str, Connection | None]
Credentials = dict[str, Credential | None]


def acts_in(
    table: Table, view: View, connections: Connected, credentials: Credentials
) -> dict[str, Act]:
    """The acts of an action by language, with the usual one under ""; empty where there is none,
    which is told."""
    kinds = [kind for kind in KINDS if kind in table.body]
    if len(kinds) != 1:
        table.refuse(
            "bad_act",
            "",
            f"An action must have one of {listed(KINDS)}; got {' and '.join(kinds) or 'none'}. "
            "What needs several acts is several actions, with the same types.",
        )
        return {}
    (kind,) = kinds
    if (act := table.table(kind, f"[actions.NAME.{kind}]")) is None:
        return {}
    read = _Reader(view, connections, credentials).readers[kind]
    usual = read(act)
    found = {} if usual is None else {"": usual}
    for language, said in _languages(table):
        one = _Overlaid(act, said)
        if "connection" in said.body and said.body["connection"] != act.body.get("connection"):
            said.refuse(
                "bad_language",
                "connection",
                "A language must go over the connection of the act; got another. Take it out.",
            )
        made = read(one)
        if made is not None:
            found[language] = made
    return found


def _languages(table: Table) -> list[tuple[str, Table]]:
    must = "a language as de or pt-BR"
    return list(table.named_tables("languages", LANGUAGE, must, LANGUAGES_MAX))


class _Overlaid(Table):
    """An act with what is other in a language. What is wrong in the act itself is told already."""

    def __init__(self, act: Table, language: Table) -> None:
        super().__init__(act.given, act.faults, act.path, act.body | language.body)
        self._language = language

    def _own(self, field: str) -> bool:
        name = self.steps(field)[:1]
        return bool(name) and name[0] in self._language.body

    def refuse(self, code: int | str, field: str, sentence: str) -> None:
        if self._own(field):
            self._language.refuse(code, field, sentence)

    def warn(self, code: str, field: str, sentence: str) -> None:
        if self._own(field):
            self._language.warn(code, field, sentence)

    def within(self, field: str, body: dict[str, Any]) -> Table:
        if self._own(field):
            return self._language.within(field, body)
        return _Told(self.given, self.faults, self.path, body)


class _Told(Table):
    """A table of which everything is told already."""

    def refuse(self, code: int | str, field: str, sentence: str) -> None:
        pass

    def warn(self, code: str, field: str, sentence: str) -> None:
        pass

    def within(self, field: str, body: dict[str, Any]) -> Table:
        return _Told(self.given, self.faults, self.path, body)


class _Reader:
    """Reads acts of one action."""

    def __init__(self, view: View, connections: Connected, credentials: Credentials) -> None:
        self._view = view
        self._connections = connections
        self._credentials = credentials
        self.readers: dict[str, Callable[[Table], Act | None]] = {
            "mail": self._mail,
            "call": self._call,
            "row": self._row,
            "record": self._record,
        }

    # -- mail -------------------------------------------------------------------------------------

    def _mail(self, table: Table) -> Mail | None:
        table.refuse_unknown(("connection", "to", "subject", "text", "html"))
        connection = connection_in(table, self._connections, SMTP)
        to = self._to(table, connection)
        table.need("subject", '"Welcome, {{ contact.name }}"')
        subject = text_in(table, "subject", self._view, most=SUBJECT_MAX)
        text = text_in(table, "text", self._view)
        html = text_in(table, "html", self._view, html=True)
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
        return Mail("" if connection is None else connection.name, to, subject, text, html)

    def _to(self, table: Table, connection: Connection | None) -> tuple[Text | Plain, ...]:
        if not table.need("to", '"{{ contact.email }}"'):
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
        found: list[Text | Plain] = []
        for at, one in enumerate(every):
            place = f"to[{at}]" if isinstance(value, list) else "to"
            if isinstance(one, str) and is_template(one):
                made = text_of(table, place, one, self._view, most=SUBJECT_MAX)
                found += [] if made is None else [made]
            elif (address := address_of(one)) is not None:
                found.append(Plain(address))
            else:
                table.refuse(
                    "bad_address",
                    place,
                    f"{place} must be one plain e-mail address, or a template of one; got "
                    f"{came(one)}. Write the address alone, as ops@brand.example.",
                )
            self._admitted(table, place, connection, one)
        return tuple(found) if len(found) == len(every) else ()

    @staticmethod
    def _admitted(table: Table, place: str, connection: Connection | None, one: object) -> None:
        """Whether the operator lets this be written to over the connection."""
        if connection is None or not isinstance(one, str):
            return
        recipients = recipients_of(connection.fields)
        if is_template(one):
            if not recipients.any:
                table.refuse(
                    "recipients_fixed",
                    place,
                    f"{place} must be an address over the connection {connection.name}, and no "
                    f'template; got {came(one)}. Set recipients = "any" in the connection if '
                    "whom events name may be written to.",
                )
        elif (address := address_of(one)) is not None and not recipients.admits(address):
            table.refuse(
                "recipient_not_admitted",
                place,
                f"{place} must be of the domains that the connection {connection.name} admits; got "
                f"{came(one)}. Add its domain there.",
            )

    # -- call -------------------------------------------------------------------------------------

    def _call(self, table: Table) -> Call | None:
        table.refuse_unknown(
            "method url values headers credential json form text contentType idempotency taken "
            "untaken".split()
        )
        method = table.one_of("method", METHODS, "POST")
        url, values = url_in(table, self._view)
        bodies = [one for one in ("json", "form", "text") if table.body.get(one) is not None]
        if len(bodies) > 1:
            table.refuse(
                "bad_body",
                bodies[1],
                f"A call must have at most one of json, form and text; got {' and '.join(bodies)}. "
                "Take the others out.",
            )
        credential = credential_in(table, self._credentials)
        headers = headers_in(table, self._view, credential, body=bool(bodies))
        taken = filter_in(table, "taken", '{path = "status", eq = "success"}')
        return Call(
            method,
            url,
            values,
            headers=headers,
            credential=credential,
            json=part_in(table, "json", self._view),
            form=self._form(table),
            text=text_in(table, "text", self._view),
            content_type=self._content_type(table),
            idempotency=self._idempotency(table, credential),
            taken=None if taken is None else taken[1],
            untaken=table.one_of("untaken", ("never", "again"), "never"),
        )

    def _form(self, table: Table) -> tuple[tuple[str, Part], ...]:
        form = table.table("form", '{email = "{{ contact.email }}"}')
        if form is None:
            return ()
        if len(form.body) > FORM_MAX:
            form.refuse(
                "too_many",
                "",
                f"form must hold at most {FORM_MAX} fields; got {len(form.body)}. Send less.",
            )
            return ()
        parts, found = Parts(form, self._view), []
        for name, value in form.body.items():
            is_path = isinstance(value, dict) and list(value) in (["path"], ["file"], ["constant"])
            if not is_path and not is_json(value):
                form.refuse(
                    "bad_type",
                    name,
                    f"{name[:64]} must be a text, a number, a truth or a path; got {came(value)}. "
                    "A form has no lists and no tables: use json.",
                )
            else:
                found.append((name, parts.of(name, value)))
        return tuple(found)

    @staticmethod
    def _content_type(table: Table) -> str:
        said = table.text(
            "contentType",
            "a content type",
            lambda text: (
                0 < len(text) <= CONTENT_TYPE_MAX
                and "/" in text
                and text.isascii()
                and text.isprintable()
            ),
            '"text/xml"',
        )
        if said and table.body.get("text") is None:
            table.refuse(
                "bad_body",
                "contentType",
                "contentType must stand beside text; got it without. json and form have their own.",
            )
        return said or ("text/plain; charset=utf-8" if table.body.get("text") is not None else "")

    @staticmethod
    def _idempotency(table: Table, credential: Credential | None) -> str:
        name = table.body.get("idempotency")
        if name is None:
            return ""
        if not isinstance(name, str):
            table.refuse(
                "bad_type",
                "idempotency",
                f"idempotency must be the name of a header; got {came(name)}. Write "
                '"Idempotency-Key".',
            )
            return ""
        given = table.body.get("headers")
        others = [*(given if isinstance(given, dict) else ())]
        others += [] if credential is None else [credential_header(credential)]
        known = name.lower() in [one.lower() for one in others]
        return name if header_fits(table, "idempotency", name, "", known=known) else ""

    # -- row and record ---------------------------------------------------------------------------

    def _row(self, table: Table) -> Row | None:
        table.refuse_unknown(("connection", "table", "values"))
        connection = connection_in(table, self._connections, "sql")
        there = [table.need("table", '"customer_state"'), table.need("values", "{tier = …}")]
        name = table.line("table", 127, '"customer_state"')
        values = table.table("values", '{tier = {path = "event.data.tier"}}')
        if not all(there) or values is None or not name:
            return None
        parts = Parts(values, self._view)
        made = {column: parts.of(column, value) for column, value in values.body.items()}
        if connection is not None:
            self._columns(table, values, connection, name)
        return Row("" if connection is None else connection.name, name, made)

    @staticmethod
    def _columns(table: Table, values: Table, connection: Connection, name: str) -> None:
        """The table must be declared for the connection, with the columns that are set."""
        declared = tables_of(connection.fields)
        if (found := declared.get(name)) is None:
            known = listed(declared) if declared else "none"
            table.refuse(
                "unknown_table",
                "table",
                f"table must be one that the connection {connection.name} declares: {known}; "
                f"got {came(name)}.{nearest(name, declared) or ' Declare it there.'}",
            )
            return
        for column in values.body:
            if column not in found.settable:
                values.refuse(
                    "unknown_column",
                    column,
                    f"The columns of the table {name} must be of {listed(found.settable)}; got "
                    f"{came(column)}."
                    f"{nearest(column, found.settable) or ' Declare it for the connection.'}",
                )
        if lacking := sorted(found.needed - {*values.body}):
            values.refuse(
                "field_missing",
                "",
                f"values must have {lacking[0]}, by which rows of the table {name} are known; got "
                f'nothing for it. Write {lacking[0]} = {{path = "event.…"}}.',
            )

    def _record(self, table: Table) -> Record | None:
        table.refuse_unknown(("connection", "topic", "key", "json", "text"))
        connection = connection_in(table, self._connections, "kafka")
        table.need("topic", '"crm.welcome"')
        topic = table.text(
            "topic",
            "1 to 249 of a-z A-Z 0-9 . _ -",
            lambda text: TOPIC.fullmatch(text) is not None,
            '"crm.welcome"',
            "bad_name",
        )
        if topic and connection is not None and (reason := not_published(connection, topic)):
            table.refuse("topic_not_admitted", "topic", reason)
        if table.body.get("json") is not None and table.body.get("text") is not None:
            table.refuse(
                "bad_body", "text", "A record must have json or text; got both. Take one out."
            )
        return Record(
            "" if connection is None else connection.name,
            topic,
            key=text_in(table, "key", self._view, most=SUBJECT_MAX),
            json=part_in(table, "json", self._view),
            text=text_in(table, "text", self._view),
        )
