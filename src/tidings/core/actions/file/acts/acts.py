"""What an action does: exactly one of `mail`, `call`, `row`, `record` and `event`, perhaps with
what is other in a language. Pure."""

from collections.abc import Callable
from typing import Any

from tidings.core.actions.action import Act
from tidings.core.actions.file.acts.http_calls import call_of
from tidings.core.actions.file.acts.mails import mail_of
from tidings.core.actions.file.acts.new_events import events_of
from tidings.core.actions.file.acts.rows_and_records import record_of, row_of
from tidings.core.actions.file.connected import DeclaredNames
from tidings.core.actions.file.table import Table, View, listed
from tidings.core.actions.file.when import LANGUAGE
from tidings.core.actions.placeholders import origin_of

_READ: dict[str, Callable[[Table, View, DeclaredNames], Act | None]] = {
    "mail": mail_of,
    "call": call_of,
    "row": row_of,
    "record": record_of,
    "event": events_of,
}
KINDS = tuple(_READ)
LANGUAGES_MAX = 50
_WAYS = {
    "connection": "go over the connection",
    "credential": "call with the credential",
    "table": "write to the table",
    "topic": "write to the topic",
}


def acts_in(table: Table, view: View, declared: DeclaredNames) -> dict[str, Act]:
    """Read the acts of an action by language, with the usual one under "". Where a table does not
    declare exactly one act, that is reported and there are none."""
    kinds = [kind for kind in KINDS if kind in table.body]
    if len(kinds) != 1:
        table.refuse(
            "bad_act",
            "",
            f"An action must have one of {listed(KINDS)}; got {' and '.join(kinds) or 'none'}. For "
            "several acts, write several actions with the same types.",
        )
        return {}
    (kind,) = kinds
    if (act := table.table(kind, f"[actions.NAME.{kind}]")) is None:
        return {}
    usual = _READ[kind](act, view, declared)
    found = {} if usual is None else {"": usual}
    for language, acts in _languages(table):
        one = _Overlaid(act, acts)
        _check_way(acts, act)
        made = _READ[kind](one, view, declared)
        if made is not None:
            found[language] = made
    return found


def _check_way(language: Table, act: Table) -> None:
    """Check that a language's act goes where the act goes, and as the same of us: that is opened
    once, for all languages."""
    language_body, usual = language.body, act.body
    for field, way in _WAYS.items():
        if field in language_body and language_body[field] != usual.get(field):
            language.refuse(
                "bad_language",
                field,
                f"A language must {way} of the act; got another. Remove it.",
            )
    urls = [language_body.get("url"), usual.get("url")]
    one, other = (origin_of(url).lower() if isinstance(url, str) else None for url in urls)
    if one is not None and other is not None and one != other:
        language.refuse(
            "bad_language",
            "url",
            "A language must call the host of the act, by the same scheme and port; got another. "
            "Write an action of its own, with a filter.",
        )


def _languages(table: Table) -> list[tuple[str, Table]]:
    must = "a language as de or pt-BR"
    return list(table.named_tables("languages", LANGUAGE, must, LANGUAGES_MAX))


class _Overlaid(Table):
    """An act with what is other in a language. What is wrong in the act itself is told already."""

    def __init__(self, act: Table, language: Table) -> None:
        super().__init__(act.given, act.faults, act.path, act.body | _other(language.body))
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

    def is_reference(self, field: str) -> bool:
        if self._own(field):
            return self._language.is_reference(field)
        return super().is_reference(field)

    def within(self, field: str, body: dict[str, Any]) -> Table:
        if self._own(field):
            return self._language.within(field, body)
        return _SilentTable(self.given, self.faults, (*self.path, *self.steps(field)), body)


def _other(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name != "connection"}


class _SilentTable(Table):
    """A table of which everything is told already."""

    def refuse(self, code: int | str, field: str, sentence: str) -> None:
        pass

    def warn(self, code: str, field: str, sentence: str) -> None:
        pass

    def within(self, field: str, body: dict[str, Any]) -> Table:
        return _SilentTable(self.given, self.faults, (*self.path, *self.steps(field)), body)
