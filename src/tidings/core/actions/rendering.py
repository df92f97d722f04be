"""From an act and what the action sees to the very call, mail, row or record. Pure.

Templates are run elsewhere: `templates_of` says which, `made_of` takes their texts. What comes of a
value is text and never structure: it ends no header, no line of a subject, no part of a URL, and is
a text in JSON. What a path finds is put into JSON as it came, 10.50 as 10.50.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, assert_never
from urllib.parse import urlencode

import msgspec

from tidings.core.actions.action import (
    EACH,
    EVENT,
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
    TableRowAct,
    TemplatedText,
    within,
)
from tidings.core.actions.bounds import MADE_BYTES_MAX, Room, too_large
from tidings.core.actions.context import Unmade, find, text_of
from tidings.core.actions.merging import list_at, merged, merged_list, object_at
from tidings.core.actions.placeholders import fill
from tidings.core.actions.rendered_act import MadeCall, MadeEvents, MadeMail, MadeRecord, MadeRow
from tidings.core.actions.secrets import Places, left_out, secrets_of
from tidings.core.exact_json import write_exactly
from tidings.core.webhooks.targets.mailing import is_way_out, mail_of_texts, recipient_of

HEADER_MAX = 4096  # characters
KEY_MAX = 1024
EVENTS_MAX = 500
CONTENT_TYPE = "content-type"
JSON, FORM, TEXT = (
    "application/json",
    "application/x-www-form-urlencoded",
    "text/plain; charset=utf-8",
)
_VALUE = re.compile(r"[\x20-\x7e\t]*")  # as of a webhook's headers

FillIn = Callable[[str], str]
MadeAct = MadeCall | MadeMail | MadeRow | MadeRecord | MadeEvents


def templates_of(act: Act) -> list[TemplatedText]:
    """List the templates of an act, each once, in an order that is always the same."""
    return list(dict.fromkeys(text for part in _parts_of(act) for text in _texts_of(part)))


def made_of(act: Act, texts: Sequence[str], seen: Mapping[str, Any]) -> MadeAct:
    """Render an act. `texts`: what its templates have made, in their order; `seen`: the event and
    the records by their names. Raise Unmade if a value does not fit its place."""
    return _Making(dict(zip(templates_of(act), texts, strict=True)), seen).act(act)


def _parts_of(act: Act) -> Iterator[Part]:
    """Yield the parts at the top of an act, in a fixed order."""
    found: list[Part | None]
    match act:
        case MailAct():
            found = [*act.to, act.subject, act.text, act.html, act.unsubscribe]
        case HttpCall():
            forms = [part for _, part in act.form]
            found = [*(value for _, value in act.headers), act.json, *forms, act.text]
        case TableRowAct():
            found = list(act.values.values())
        case KafkaRecordAct():
            found = [act.key, act.json, act.text]
        case NewEvents():
            found = [act.data]
        case _:
            assert_never(act)
    return (part for part in found if part is not None)


def _texts_of(part: Part) -> Iterator[TemplatedText]:
    if isinstance(part, TemplatedText):
        yield part
    for inner in within(part):
        yield from _texts_of(inner)


class _Making:
    """One act while it is made."""

    def __init__(self, texts: Mapping[TemplatedText, str], seen: Mapping[str, Any]) -> None:
        self._texts = texts
        self._seen = seen
        self._room = Room("act")

    def act(self, act: Act) -> MadeAct:
        match act:
            case MailAct():
                return self._mail(act)
            case HttpCall():
                return self._call(act)
            case TableRowAct():
                self._room = Room("row")
                values = {name: self._value(part) for name, part in act.values.items()}
                _written(values, "row")
                return MadeRow(values)
            case KafkaRecordAct():
                return self._record(act)
            case NewEvents():
                return self._events(act)
            case _:
                assert_never(act)

    def _mail(self, act: MailAct) -> MadeMail:
        to = []
        for place, recipient in enumerate(act.to, 1):
            address = recipient_of(self._text(recipient))
            if address is None:
                raise Unmade(
                    f"to must become one plain e-mail address; its place {place} became something "
                    "else for this event. Correct the template, or filter out events without an "
                    "address."
                )
            to.append(address)
        if not to:
            raise Unmade("A mail must have a recipient in to; there is none.")
        text = None if act.text is None else self._text(act.text)
        html = None if act.html is None else self._text(act.html)
        if text is None and html is None:
            text = ""
        unsubscribe = None if act.unsubscribe is None else self._text(act.unsubscribe).strip()
        if unsubscribe and not is_way_out(unsubscribe):
            raise Unmade(
                "unsubscribe must become a URL that begins with https://, or mailto: and an "
                "address; it became something else for this event. Correct the template."
            )
        mail = mail_of_texts(
            to, self._text(act.subject), text, html, blank="", unsubscribe=unsubscribe or None
        )
        _written(mail, "mail")
        return MadeMail(mail)

    def _call(self, act: HttpCall) -> MadeCall:
        found = {name: find(self._seen, path) for name, path in act.values.items()}
        url, values = fill(act.url, found), tuple[tuple[str, str], ...]()
        if act.url_secret:
            url, values = "", tuple((name, text_of(value) or "") for name, value in found.items())
        headers = [
            (name, self._header(name, value))
            for name, value in act.headers
            if isinstance(value, TemplatedText)
        ]
        body, content_type = "", ""
        places: Places = ()
        if (json := act.json) is not None:
            content_type = JSON
            body, places = left_out(
                secrets_of(act), lambda secrets: self._json(json, "call", secrets)
            )
        elif act.form:
            content_type = FORM
            body, places = left_out(secrets_of(act), lambda secrets: self._form(act.form, secrets))
        elif act.text is not None:
            body, content_type = self._text(act.text), act.content_type or TEXT
        if content_type and all(name.lower() != CONTENT_TYPE for name, _ in act.headers):
            headers.insert(0, (CONTENT_TYPE, content_type))
        return MadeCall(
            method=act.method,
            url=url,
            headers=tuple(headers),
            body=_bounded(body, "call"),
            secrets=places,
            values=values,
        )

    def _record(self, act: KafkaRecordAct) -> MadeRecord:
        if act.text is not None:
            value = self._text(act.text)
        elif act.json is not None:
            value = self._json(act.json, "record")
        else:
            value = _written(self._seen[EVENT], "record")
        key = "" if act.key is None else self._text(act.key)
        if act.key is not None and not 0 < len(key) <= KEY_MAX:
            raise Unmade(
                f"The key of a record must be a text of 1 to {KEY_MAX} characters; it became one "
                f"of {len(key)}. Correct key, or filter out events without it."
            )
        return MadeRecord(_bounded(value, "record"), key)

    def _events(self, act: NewEvents) -> MadeEvents:
        seen = self._seen
        items = list_at(seen, act.each) if act.each else [None]
        if len(items) > EVENTS_MAX:
            raise Unmade(
                f"each must find at most {EVENTS_MAX} items; there are {len(items)} for this "
                "event. Ask the look-up for less, or filter out such events."
            )
        self._room, made = Room("list of events"), []
        for element in items:
            self._seen = {**seen, EACH: element} if act.each else seen
            made.append({"eventName": act.type, "data": self._value(act.data)})
        return MadeEvents(_written(made, "list of events"))

    # -- parts ------------------------------------------------------------------------------------

    def _text(self, part: TemplatedText | Plain) -> str:
        if isinstance(part, TemplatedText):
            return self._texts[part]
        return text_of(part.value) or ""

    def _header(self, name: str, part: TemplatedText) -> str:
        value = self._texts[part].strip(" \t\r\n")
        if len(value) > HEADER_MAX or not _VALUE.fullmatch(value):
            raise Unmade(
                f"The header {name} must be one line of at most {HEADER_MAX} characters of ASCII; "
                "it became something else for this event. Correct its template."
            )
        return value

    def _json(self, part: Part, what: str, fill_in: FillIn = str) -> str:
        self._room = Room(what)
        return _written(self._value(part, fill_in), what)

    def _value(self, part: Part, fill_in: FillIn = str) -> Any:
        """Return the value as JSON has it. `fill_in`: what stands for a secret."""
        match part:
            case TemplatedText():
                return self._room.take(self._texts[part])
            case PathValue():
                return self._room.take(find(self._seen, part.path))
            case Plain():
                return self._room.take(part.value)
            case OperatorSecret():
                return fill_in(part.value)
            case Each():
                if isinstance(part.parts, Mapping):
                    return self._fields(part.parts, fill_in)
                return [self._value(part, fill_in) for part in part.parts]
            case Merged():
                if isinstance(part.parts, Mapping):
                    fields = self._fields(part.parts, fill_in)
                    own = merged(object_at(self._seen, part.path), fields)
                    self._room.take({name: own[name] for name in own.keys() - fields.keys()})
                    return own
                items = [self._value(part, fill_in) for part in part.parts]
                base = self._room.take(list_at(self._seen, part.path))
                return merged_list(base, items, part.by)
            case _:
                assert_never(part)

    def _fields(self, parts: Mapping[str, Part], fill_in: FillIn) -> dict[str, Any]:
        return {self._room.take(name): self._value(part, fill_in) for name, part in parts.items()}

    def _form(self, form: Sequence[tuple[str, Part]], fill_in: FillIn) -> str:
        """Encode the fields of a form: one without a value is left out; a list is its field several
        times."""
        self._room = Room("call")
        pairs: list[tuple[str, str]] = []
        for name, part in form:
            value = self._value(part, fill_in)
            for element in value if isinstance(value, list | tuple) else [value]:
                if element is None:
                    continue
                text = text_of(element)
                if text is None:
                    raise Unmade(
                        f"The field {name} of a form must be a text, a number or a list of them; "
                        "it became something else for this event. Correct its path."
                    )
                pairs.append((name, text))
        try:
            return urlencode(pairs)
        except UnicodeEncodeError:  # half a sign
            raise Unmade("The fields of a form must be texts in Unicode; one is not.") from None


def _written(value: Any, what: str) -> str:
    try:
        return _bounded(write_exactly(value).decode(), what)
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError, OverflowError):
        raise Unmade(
            f"The {what} must be made of what JSON can hold; something in it is not. Correct its "
            "paths."
        ) from None


def _bounded(text: str, what: str) -> str:
    if len(text) > MADE_BYTES_MAX or len(text.encode("utf-8", "replace")) > MADE_BYTES_MAX:
        raise too_large(what)
    return text
