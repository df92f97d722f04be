"""What an action is: when, after which look-ups, and the one thing that it does. Pure.

An action is made of a table of the operator's file (`file/`) and carried out as a webhook of
the type ACTION that has its name. What it sees is one object: the event, as `event`, and the record
of each of its look-ups, by the look-up's name. Paths and templates begin there:
`event.data.totalPoints`, `{{ contact.email }}`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from tidings.core.actions.context import find, text_of
from tidings.core.actions.placeholders import url_shown
from tidings.core.shaping.filters.compiler import CompiledFilter
from tidings.core.webhooks.authentication import ApiKey, Basic, OAuth2ClientCredentials
from tidings.core.webhooks.webhook import Ordering

EVENT = "event"
"""By which templates and paths name the event; no look-up has this name."""
EACH = "each"
"""By which paths of new events name the item that one is made for; no look-up has it either."""
ANSWER_KIB = 16
"""How large an answer to a look-up by URL may be, unless the look-up says more."""
Path = str  # as `core/picks.py` has them, from the object that an action sees


class TokenCall(msgspec.Struct, frozen=True):
    """A token that is had by posting JSON somewhere, where that is not OAuth 2.0."""

    url: str
    body: Mapping[str, Any]  # secrets among it
    token: str  # the path of the token in the answer
    header: str  # that it is sent in
    lives: str = ""  # the path of its life in seconds; "": 10 minutes
    prefix: str = ""  # before it in the header, as "Bearer "

    def __repr__(self) -> str:
        """Show it without the body."""
        return f"TokenCall(url={self.url!r})"


class ServiceAccount(msgspec.Struct, frozen=True):
    """A program's account, as Google has them: a token is had for what is signed with its key
    (RFC 7523)."""

    token_url: str
    email: str
    key: str  # RSA, as PEM
    scope: str

    def __repr__(self) -> str:
        """Show it without the key."""
        return f"ServiceAccount(email={self.email!r})"


Credential = OAuth2ClientCredentials | Basic | ApiKey | TokenCall | ServiceAccount
"""Who we are to a system that is asked or told. A bearer token is an ApiKey of `Authorization`."""


# -- look-ups -------------------------------------------------------------------------------------


class HttpLookup(msgspec.Struct, frozen=True):
    """GET a URL; the record is the JSON object of a 200, or a part of it. 204, 404 and 410: there
    is none."""

    url: str  # with holes: https://api.example/customers/{id}; none in what comes before the path
    values: Mapping[str, Path]  # what each hole is filled with, percent-encoded
    headers: tuple[tuple[str, str], ...] = ()
    credential: Credential | None = None
    take: Path = ""  # where the record stands in the answer, as items[0]; "": it is the answer
    url_secret: bool = False  # as of a Call
    answer_kib: int = ANSWER_KIB  # how large an answer may be

    def __repr__(self) -> str:
        """Show the URL without its secret parts, and no headers: they may hold a secret."""
        return f"HttpLookup(url={url_shown(self.url, secret=self.url_secret)!r})"


class SqlLookup(msgspec.Struct, frozen=True):
    """The first row of a statement, as an object by its columns."""

    connection: str  # of type sql
    statement: str  # SELECT … WHERE id = %(id)s
    values: Mapping[str, Path]


class CsvLookup(msgspec.Struct, frozen=True):
    """A line of a file, as an object of texts by the names in its first line. The file may be
    replaced at any time."""

    file: str  # an absolute path
    key: str  # the column that is searched
    by: Path  # what is searched for


class ActionLookup(msgspec.Struct, frozen=True):
    """One look-up of an action, by the name that it has for templates and paths."""

    name: str
    where: HttpLookup | SqlLookup | CsvLookup
    others: Mapping[str, tuple[Path, ...]] = {}
    """Further paths of a value, by its name: the first that finds something counts."""
    missing: Literal["skip", "fail", "empty"] = "skip"
    """Where there is no record: the action is not done, fails, or goes on with an empty one."""
    failing: Literal["wait", "empty"] = "wait"
    """Where nobody answers: tried again later, or the action goes on with an empty one."""
    cache_s: float = 0.0  # how long an answer is taken for true
    deadline_s: float = 5.0
    rate_per_s: float | None = None
    at_once: int = 10


# -- when -----------------------------------------------------------------------------------------


class Compared(msgspec.Struct, frozen=True):
    """True if the same stands at two paths: a text, a number or a truth, each as text. What is not
    there is the same as nothing."""

    paths: tuple[Path, Path]
    same: bool  # holds where it is the same; False: where it is not

    def accepts(self, seen: Mapping[str, Any]) -> bool:
        """Return whether the same text stands at both paths; without `same`, whether it does
        not."""
        one, other = (text_of(find(seen, path)) for path in self.paths)
        return (one is not None and one == other) is self.same


class Unless(msgspec.Struct, frozen=True):
    """A reason why an action is not done, judged when it would be."""

    filter: CompiledFilter | Compared  # of the object that the action sees
    because: str  # a sentence


class Quiet(msgspec.Struct, frozen=True):
    """The hours in which nobody is disturbed: from one minute of the day until before another."""

    start: int  # minutes since midnight, 0 to 1439
    end: int
    zone: Path = ""  # where the customer's time zone is found, as Asia/Kolkata
    usual_zone: str = "UTC"  # where that says none


class Cap(msgspec.Struct, frozen=True):
    """At most so many for one subject within a time."""

    most: int
    within_s: float
    subject: Path


# -- what it does ---------------------------------------------------------------------------------


class TemplatedText(msgspec.Struct, frozen=True):
    """A template whose output is a text."""

    template: str
    html: bool = False  # what it prints of values is escaped for HTML


class PathValue(msgspec.Struct, frozen=True):
    """The value at a path, as it is; null where there is nothing."""

    path: Path


class Plain(msgspec.Struct, frozen=True):
    """Always the same."""

    value: Any  # JSON without parts

    def __repr__(self) -> str:
        """Show it without the value, which may be a secret."""
        return "Plain(…)"


class OperatorSecret(msgspec.Struct, frozen=True):
    """Always the same, and the operator's secret: a text that the file takes from elsewhere. In the
    JSON or the form of a call it is put in when the call leaves, and kept nowhere."""

    value: str

    def __repr__(self) -> str:
        """Show it without the value."""
        return "Secret(…)"


class Each(msgspec.Struct, frozen=True):
    """An object, or a list, of parts."""

    parts: Mapping[str, "Part"] | Sequence["Part"]


class Merged(msgspec.Struct, frozen=True):
    """The value at a path, with some of it other: an object with these fields, or, with `by`, a
    list of objects with these items, each in the place of the one that has the same value in that
    field, or behind the others."""

    path: Path
    parts: Mapping[str, "Part"] | Sequence["Part"]
    by: str = ""  # the field by which items of a list are known


Part = TemplatedText | PathValue | Plain | OperatorSecret | Each | Merged
"""What JSON is made of."""


def within(part: Part) -> Iterator[Part]:
    """Yield the parts that a part is made of."""
    if isinstance(part, Each | Merged):
        yield from part.parts.values() if isinstance(part.parts, Mapping) else part.parts


class MailAct(msgspec.Struct, frozen=True):
    """An e-mail, over a connection of type smtp."""

    connection: str
    to: tuple[TemplatedText | Plain, ...]
    subject: TemplatedText | Plain
    text: TemplatedText | Plain | None = None
    html: TemplatedText | Plain | None = None
    unsubscribe: TemplatedText | Plain | None = (
        None  # where the customer says no: a URL or an address
    )


class HttpCall(msgspec.Struct, frozen=True):
    """An HTTP call. At most one of `json`, `form` and `text`."""

    method: str
    url: str  # as of an HttpLookup
    values: Mapping[str, Path]
    headers: tuple[tuple[str, TemplatedText | Plain], ...] = ()
    credential: Credential | None = None
    json: Part | None = None
    form: tuple[tuple[str, Part], ...] = ()
    text: TemplatedText | Plain | None = None
    content_type: str = ""  # of `text`
    idempotency: str = ""  # the header of a key by which repeats are known; "": none
    url_secret: bool = False  # it came from elsewhere, as a secret does: only its host is shown
    taken: CompiledFilter | None = None  # of the JSON of a 2xx: it was taken only where this holds
    untaken: Literal["again", "never"] = "never"  # what becomes of it where `taken` does not hold
    at_most_once: bool = False  # not tried again where it may have been done

    def __repr__(self) -> str:
        """Show method and URL, without the URL's secret parts."""
        return f"Call({self.method} {url_shown(self.url, secret=self.url_secret)})"


class TableRowAct(msgspec.Struct, frozen=True):
    """A row of a table that the connection declares."""

    connection: str  # of type sql
    table: str
    values: Mapping[str, Part]  # by column


class KafkaRecordAct(msgspec.Struct, frozen=True):
    """A record of a Kafka topic. Without `json` and `text` it is the event."""

    connection: str  # of type kafka
    topic: str
    key: TemplatedText | Plain | None = None
    json: Part | None = None
    text: TemplatedText | Plain | None = None


class NewEvents(msgspec.Struct, frozen=True):
    """Events of a type that the file declares: accepted as any other, for other actions to hear.
    One, or one for each item of a list, which paths in `data` find under `each`."""

    type: str
    data: Part
    each: Path = ""  # where the list stands


Act = MailAct | HttpCall | TableRowAct | KafkaRecordAct | NewEvents
EVENTS = "EVENTS"
"""Under which the engine's own driver of new events is found among the others."""


class Action(msgspec.Struct, frozen=True):
    """One action."""

    name: str  # of a-z, 0-9 and -
    types: tuple[str, ...]  # of events, or prefixes, as a webhook has them
    acts: Mapping[str, Act]
    """By language, as de or pt-BR; under "" the one for all others. All of one kind, and over one
    connection."""
    filter: Mapping[str, Any] | None = None  # which events, as a webhook has it
    lookups: tuple[
        ActionLookup, ...
    ] = ()  # in their order: one may take what an earlier one has found
    unless: tuple[Unless, ...] = ()
    needs: str = ""  # another action, which must have been done for the same event
    after_s: float = 0.0  # after the event was accepted, or after what it needs was done
    quiet: Quiet | None = None
    cap: Cap | None = None
    language: Path = ""
    ordering: Ordering = Ordering.NONE
    at_once: int = 10
    rate_per_s: float | None = None
    deadline_s: float = 30.0
    anew: bool = False  # made again for each attempt, of what is found then
    again: frozenset[int] = frozenset()  # statuses that are tried again beside the usual ones
    never: frozenset[int] = frozenset()  # … and those that fail at once

    def act_for(self, language: object) -> Act:
        """Return the act for a customer's language: the language's own, else that of the same
        language without its region, else the usual one."""
        if isinstance(language, str) and len(language) <= LANGUAGE_MAX:
            wanted = language.replace("_", "-").lower()
            for name in (wanted, wanted.partition("-")[0]):
                for known, act in self.acts.items():
                    if known.lower() == name:
                        return act
        return self.acts[""]

    @property
    def act(self) -> Act:
        """Return the act in the usual language."""
        return self.acts[""]


def is_once(action: Action) -> bool:
    """Tell whether what an action does is not tried again where it may have been done."""
    return any(isinstance(act, HttpCall) and act.at_most_once for act in action.acts.values())


LANGUAGE_MAX = 35  # characters (BCP 47)
Actions = Mapping[str, Action]
"""By name."""
