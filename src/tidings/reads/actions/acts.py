"""What an action does, as data: templates as they are written, `{"path": …}` for a value.

What is always the same in a header may be a secret, and so may what the file takes from elsewhere
for the body of a call: of such values their end is shown.
"""

from collections.abc import Mapping, Sequence
from typing import Any, assert_never

import msgspec

from tidings.core.actions.act_words import text_shown
from tidings.core.actions.action import (
    Act,
    Each,
    HttpCall,
    KafkaRecordAct,
    MailAct,
    Merged,
    NewEvents,
    OperatorSecret,
    Part,
    PathValue,
    Plain,
    ServiceAccount,
    TableRowAct,
    TemplatedText,
    TokenCall,
)
from tidings.core.actions.placeholders import url_shown
from tidings.core.shaping.filters.words import describe_filter
from tidings.core.webhooks.authentication import shown_header
from tidings.core.webhooks.masks import MARK, mask

PATH = "path"


def show_act(act: Act) -> dict[str, Any]:
    """Show an act: templates as they are written, `{"path": …}` for a value."""
    match act:
        case MailAct():
            return {
                "connection": act.connection,
                "to": [text_shown(recipient) for recipient in act.to],
                "subject": text_shown(act.subject),
                "text": None if act.text is None else text_shown(act.text),
                "html": None if act.html is None else text_shown(act.html),
                "unsubscribe": None if act.unsubscribe is None else text_shown(act.unsubscribe),
            }
        case HttpCall():
            return _call(act)
        case TableRowAct():
            values = {name: _part(part) for name, part in act.values.items()}
            return {"connection": act.connection, "table": act.table, "values": values}
        case NewEvents():
            return {"type": act.type, "each": act.each or None, "data": _part(act.data)}
        case KafkaRecordAct():
            return {
                "connection": act.connection,
                "topic": act.topic,
                "key": None if act.key is None else text_shown(act.key),
                "json": None if act.json is None else _part(act.json),
                "text": None if act.text is None else text_shown(act.text),
            }


def _call(call: HttpCall) -> dict[str, Any]:
    return {
        "method": call.method,
        "url": url_shown(call.url, secret=call.url_secret),
        "values": dict(call.values),
        "headers": [{"name": name, "value": _header(value)} for name, value in _headers(call)],
        "json": None if call.json is None else _part(call.json),
        "form": None if not call.form else {name: _part(part) for name, part in call.form},
        "text": None if call.text is None else text_shown(call.text),
        "idempotency": call.idempotency or None,
        "atMostOnce": call.at_most_once,
        "taken": None if call.taken is None else describe_filter(call.taken),
        "untaken": None if call.taken is None else call.untaken,
    }


def _headers(call: HttpCall) -> list[tuple[str, TemplatedText | Plain]]:
    """List the headers that it says, and those of who we are."""
    headers = list(call.headers)
    if isinstance(call.credential, TokenCall):
        return [*headers, (call.credential.header, Plain(call.credential.prefix + MARK))]
    if isinstance(call.credential, ServiceAccount):
        return [*headers, ("Authorization", Plain(f"Bearer {MARK}"))]
    if call.credential is not None:
        name, value = shown_header(call.credential)
        return [*headers, (name, Plain(value))]
    return headers


def _header(value: TemplatedText | Plain) -> str:
    if isinstance(value, TemplatedText):
        return value.template
    shown = str(value.value)
    return shown if MARK in shown else mask(shown)


def _part(part: Part) -> Any:
    """As JSON has it."""
    match part:
        case TemplatedText():
            return part.template
        case PathValue():
            return {PATH: part.path}
        case Plain():
            return msgspec.to_builtins(part.value)
        case OperatorSecret():
            return mask(part.value)
        case Each():
            return _parts(part.parts)
        case Merged():
            by = {"by": part.by} if part.by else {}
            return {PATH: part.path, "with": _parts(part.parts)} | by
        case _:
            assert_never(part)


def _parts(parts: Mapping[str, Part] | Sequence[Part]) -> Any:
    if isinstance(parts, Mapping):
        return {name: _part(part) for name, part in parts.items()}
    return [_part(part) for part in parts]
