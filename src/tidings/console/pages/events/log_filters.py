"""The filters of the console's lists: an address to a question for the log, and back.

The address is the state: every filter stands in it, and whoever opens it sees the same. Which there
are, and what each may be, is declared in `reads/filters.py` alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlencode

import msgspec
from starlette.datastructures import QueryParams

from tidings.console.pages.events import newer_rows
from tidings.console.visit import PlainVisit
from tidings.core.delivery.states import State
from tidings.core.form import Form
from tidings.engine.webhooks.records import WebhookState
from tidings.errors import RequestRefused
from tidings.reads.filters import (
    ATTRIBUTES,
    ActionParameter,
    ActorParameter,
    EventTypeParameter,
    Listed,
    ListParameter,
    LogQuestion,
    ObjectKindParameter,
    Parameters,
    States,
    WebhookParameter,
    YesNo,
)
from tidings.reads.questions import (
    cursors,
    read_question,
    refuse_unknown_parameters,
    words_of,
)
from tidings.values import describe_value

PAGE = 50
HOUR_MS = 3_600_000
SPANS = {
    "1h": (HOUR_MS, "last hour"),
    "6h": (6 * HOUR_MS, "last 6 hours"),
    "24h": (24 * HOUR_MS, "last 24 hours"),
    "3d": (3 * 24 * HOUR_MS, "last 3 days"),
    "7d": (7 * 24 * HOUR_MS, "last 7 days"),
    "15d": (15 * 24 * HOUR_MS, "last 15 days"),
    "30d": (30 * 24 * HOUR_MS, "last 30 days"),
}
VALUES_MAX = 100
Choices = Sequence[tuple[str, str]]


class ActiveFilter(msgspec.Struct, frozen=True):
    """One value of a filter that is set. Half of them stand folded away in the form: a list that
    lacks rows must say why it does."""

    label: str
    value: str  # as people say it
    without: str  # the query string of all the others


class Filters(msgspec.Struct, frozen=True):
    """The filters of an address. `question` is None where it cannot be asked so."""

    asked: Sequence[ListParameter]  # by the form, in its order
    choices: Mapping[str, Choices]  # of those that are chosen, by name in the address
    question: LogQuestion | None
    shown: Mapping[str, str]  # as the form shows them, by name in the address
    span: str
    refusals: dict[str, str]  # by name in the address
    paged: bool  # whether it is not the newest page

    @property
    def narrowed(self) -> bool:
        """Return whether anything is filtered at all."""
        return bool(self.span) or any(self.shown[parameter.field.page] for parameter in self.asked)

    @property
    def further(self) -> bool:
        """Return whether a filter is set that stands behind "More filters"."""
        return any(
            self.shown[parameter.field.page] for parameter in self.asked if parameter.field.further
        )

    def address(self, **changes: str | None) -> str:
        """Write the query string of the same filters with some changed; a cursor only where
        given."""
        pairs = {name: value for name, value in self.shown.items() if value and name != "cursor"}
        if self.span:
            pairs["span"] = self.span
        for name, value in changes.items():
            pairs.pop(name, None)
            if value:
                pairs[name] = value
        return "?" + urlencode(pairs) if pairs else "?"

    def active(self) -> Iterator[ActiveFilter]:
        """Yield the filters that are set, in the order of the form."""
        for parameter in self.asked:
            shown_value = self.shown[parameter.field.page]
            values = shown_value.split(",") if isinstance(parameter.kind, Listed) else [shown_value]
            words = dict(self.choices.get(parameter.field.page, ()))
            for value in filter(None, values):
                others = ",".join(other for other in values if other != value)
                without = self.address(**{parameter.field.page: others})
                yield ActiveFilter(parameter.field.label, words.get(value, value), without)
        if self.span:
            yield ActiveFilter("Time", SPANS[self.span][1], self.address(span=None))


def read(visit: PlainVisit, known: Parameters, query: QueryParams | None = None) -> Filters:
    """Read the filters of the visitor's address, or of another query, with what is wrong with
    them. A filter is known by its name in addresses and by that of the API."""
    query = visit.request.query_params if query is None else query
    asked, shown = {"limit": str(newer_rows.limit_of(visit, PAGE))}, {}
    filters = [parameter for parameter in known if parameter.field.page]
    for parameter in filters:
        shown[parameter.field.page] = text = ",".join(_values(query, parameter))
        if text:
            asked[parameter.name] = text
    span = query.get("span", "")
    [begins] = [parameter.name for parameter in known if ATTRIBUTES[parameter] == "from_ms"]
    span = span if span in SPANS and begins not in asked else ""
    if span:
        asked[begins] = str(visit.services.clock.now_ms() - SPANS[span][0])
    [ends] = [parameter.name for parameter in known if ATTRIBUTES[parameter] == "to_ms"]
    for name in (begins, ends):
        if name in asked:
            asked[name] = as_shown(asked[name])
    question, refusals = None, _refuse_names(query, filters)
    now_ms = visit.services.clock.now_ms()
    try:
        question = read_question(asked, known, visit.zone, now_ms)
    except RequestRefused as refused:
        pages = {parameter.name: parameter.field.page for parameter in filters}
        for refusal in refused.refusals:
            refusals[pages.get(refusal.field, "")] = refusal.message
    form = [parameter for parameter in filters if parameter.field.label]
    choices = {parameter.field.page: _choices(visit, parameter) for parameter in form}
    return Filters(
        asked=form,
        choices=choices,
        question=None if refusals else question,
        shown=shown,
        span=span,
        refusals=refusals,
        paged=bool(shown["cursor"]),
    )


def _names(parameter: ListParameter) -> list[str]:
    """List the names of a filter in an address: the page's own, and those of the API."""
    names = (parameter.field.page, parameter.name, parameter.alias)
    return list(dict.fromkeys(filter(None, names)))


def _values(query: QueryParams, parameter: ListParameter) -> list[str]:
    """List the values that an address gives for a filter, under whichever of its names."""
    texts = [text for name in _names(parameter) for text in query.getlist(name)]
    return list(filter(None, (text.strip() for text in texts[:VALUES_MAX])))


def _refuse_names(query: QueryParams, filters: Sequence[ListParameter]) -> dict[str, str]:
    """Say what is wrong with the names in an address, and with its span. What filters nothing
    would show rows that nobody asked for, and a replay of all that match would send them."""
    form = Form(dict.fromkeys(query, ""))
    known = [name for parameter in filters for name in _names(parameter)]
    refuse_unknown_parameters(form, [*known, "span", newer_rows.PARAMETER])
    span = query.get("span", "")
    if span and span not in SPANS:
        form.refuse(
            "bad_parameter",
            "span",
            f"span must be one of {', '.join(SPANS)}; got {describe_value(span)}. Choose one of "
            "them.",
        )
    return {refusal.field: refusal.message for refusal in form.refusals}


def as_shown(text: str) -> str:
    """Read a time as pages show it where no script has told it in the reader's zone."""
    return f"{text.removesuffix(' UTC')}Z" if text.endswith(" UTC") else text


def _choices(visit: PlainVisit, one: ListParameter) -> Choices:
    """List the choices of a filter, each value with its word."""
    kind = one.kind
    if isinstance(kind, YesNo):
        return kind.choices
    if isinstance(kind, States):
        return [(state.word, state.word) for state in State]
    if isinstance(kind, EventTypeParameter):
        return [(name, name) for name in visit.services.events.types.names(visit.caller.org)]
    if isinstance(kind, ActorParameter):
        return _actors(visit)
    if isinstance(kind, ActionParameter | ObjectKindParameter):
        return [("", "any"), *((word, word.replace("_", " ")) for word in words_of(kind))]
    if isinstance(kind, WebhookParameter):
        records = sorted(visit.services.webhooks.list(visit.caller.org), key=_order)
        return [("", "all"), *((record.webhook.id, _named(record)) for record in records)]
    return ()


def _actors(visit: PlainVisit) -> Choices:
    """List the people and credentials of the org that are there now, by id with their names."""
    access, org = visit.services.access, visit.caller.org
    people = [(user.person.id, user.person.email) for user in access.users.list(org)]
    credentials = access.credentials.list(visit.caller, org)
    return people + [(known.id, known.name or known.id) for known in credentials]


def _order(record: WebhookState) -> tuple[bool, str]:
    """By name; deleted ones last."""
    return record.webhook.status == "deleted", record.webhook.name.lower()


def _named(record: WebhookState) -> str:
    deleted = " (deleted)" if record.webhook.status == "deleted" else ""
    return record.webhook.name + deleted


def sides(filters: Filters, older: int | None, newer: int | None) -> dict[str, str | None]:
    """Build the links to the pages on both sides; None where there is none to go to."""
    at = cursors(older, newer)
    return {
        "older": filters.address(cursor=at["older"]) if at["older"] else None,
        "newer": filters.address(cursor=at["newer"]) if filters.paged and at["newer"] else None,
        "newest": filters.address() if filters.paged else None,
        "bar": None if filters.paged else newer_at(filters, newer),
    }


def newer_at(filters: Filters, newer: int | None) -> str | None:
    """Build the query string that asks for rows above a page, by its cursor to the newer side; None
    where the page was refused."""
    if filters.question is None:
        return None
    return filters.address(cursor=cursors(None, newer)["newer"], part=newer_rows.PART)


def settled(filters: Filters) -> str:
    """Write the query string with its times fixed: what is asked for later is the same."""
    question = filters.question
    from_ms = None if question is None or question.from_ms is None else str(question.from_ms)
    pairs = {name: value for name, value in filters.shown.items() if value and name != "cursor"}
    if from_ms is not None:
        pairs["from"] = from_ms
    return urlencode(pairs)
