"""What the logs of events and of deliveries are asked for: the declaration of their parameters.

A frozen class whose annotations say of each attribute by which parameters a call sets it. From them
come reading and refusing, the description of the API, the console's form, chips and addresses, and
the options of the command line; whoever reads a log hands the store what its question has under the
same name (`reads/events/logs.py`). So a new filter is declared here, and gets its clause in the
store: `store/port/delivery/log.py` or `store/port/events/log.py`, and `store/sql/events/log.py`.

Both logs are read newest first, and in no other order: pages stay the same while rows come in.

The command line loads this at its start, so it needs nothing but this; how each kind is read and
described stands in `reads/questions.py`.

Add a filter here; the rest follows.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, NamedTuple

if TYPE_CHECKING:
    from tidings.core.ids import WebhookId
    from tidings.errors import FieldRefusal

LIMIT, LIMIT_MAX, REJECTIONS_MAX, POINTS, POINTS_MAX = 50, 200, 1000, 48, 400
VALUE_MAX = 255


class ParameterType:
    """The types of a parameter. Each is text, and empty as if it were left out."""

    control = "text"
    """What the console asks for it with."""


class Listed(ParameterType):
    """Values with commas: any of them fits."""


class EventTypeParameter(Listed):
    """Event types; the command line completes them."""

    control = "names"


class WebhookParameter(Listed):
    """Webhooks by their ids; people choose or name them."""

    control = "choice"


class States(Listed):
    """States of a delivery, by their words."""

    control = "ticks"


class Moment(ParameterType):
    """A time; one without a zone is of the org."""


class SearchValueType(ParameterType):
    """A value that an event is found by."""


class Search(SearchValueType):
    """A value of any kind; in the console a key leads to its field."""

    control = "search"


class EventId(ParameterType):
    """The id of one event."""


class ExactValue(ParameterType):
    """A value that is compared as it is."""


class ActorParameter(ExactValue):
    """A person or credential by its id."""

    control = "names"


class ActionParameter(ExactValue):
    """An action of the audit log."""

    control = "choice"


class ObjectKindParameter(ExactValue):
    """A kind of thing that an action happens to."""

    control = "choice"


class ChainParameter(ExactValue):
    """A chain of the audit log: that of the org, or the platform's."""


class Cursor(ParameterType):
    """The place where a page goes on: below an id, or above one."""


@dataclass(frozen=True)
class YesNo(ParameterType):
    """true or false."""

    control = "choice"
    advice: str
    choices: tuple[tuple[str, str], ...]
    """What the console calls neither, false and true."""
    flag: str
    """What the command line asks for by the bare option."""


@dataclass(frozen=True)
class WholeNumberType(ParameterType):
    """A whole number in its bounds."""

    least: int
    most: int
    usual: int


class FormField(NamedTuple):
    """The console's field for a filter."""

    page: str = ""
    """Its name in addresses; empty: pages do not know it."""
    label: str = ""
    """What it is called where it is set; empty: the form does not ask for it."""
    ask: str = ""
    """What the form says, where that is more."""
    size: int = 18
    """Of its field, in characters."""
    placeholder: str = ""
    further: bool = False
    """Whether the form folds it away."""


class ListParameter(NamedTuple):
    """A parameter of a list: its name, what it may be, and how each face calls it."""

    name: str
    kind: ParameterType
    about: str
    """For the description of the API."""
    field: FormField = FormField()
    option: str = ""
    """Of the command line; empty: its commands do not know it."""
    help: str = ""
    """Of that option, where it says more than the description."""
    example: str = ""
    alias: str = ""
    """What it was called before: it is still read, with a warning."""


def _value(name: str, about: str) -> ListParameter:
    field = FormField(name, name.capitalize(), further=True)
    return ListParameter(name, SearchValueType(), about, field=field, option=name)


_Q = ListParameter(
    "q",
    Search(),
    "A value to find events by: customer id, mobile, e-mail, bill, card number …",
    field=FormField("q", "Value", "Customer, bill, card, request or other value", size=28),
    option="search",
)
_CUSTOMER = _value("customer", "A customer: id, mobile, e-mail or external id.")
_BILL = _value("bill", "The number of a bill.")
_CARD = _value("card", "The number of a card.")
_REQUEST = ListParameter(
    name="requestId",
    kind=SearchValueType(),
    about="The API request that raised the event.",
    field=FormField("request", "Request id", size=28, further=True),
    option="request",
    help="Only what this API request has raised.",
)
_REF = ListParameter(
    name="refId",
    kind=SearchValueType(),
    about="The event's refId.",
    field=FormField("ref", "refId", size=28, further=True),
    option="ref",
)
_NAMES = ListParameter(
    name="eventName",
    kind=EventTypeParameter(),
    about="Event types, with commas.",
    field=FormField("type", "Event type", size=20),
    option="on",
    help="Only of these event types, with commas.",
    example="pointsIssued",
)
_WEBHOOKS = ListParameter(
    name="webHookId",
    kind=WebhookParameter(),
    about="Ids of webhooks, with commas.",
    field=FormField("webhook", "Webhook"),
    option="webhook",
    help="Only of this webhook, by its name or id.",
)
_MATCHED = ListParameter(
    name="matched",
    kind=YesNo(
        "Write false for events that no webhook wanted.",
        (("", "by whomever"), ("false", "by no webhook"), ("true", "by a webhook")),
        "false",
    ),
    about="false: events that no webhook wanted.",
    field=FormField("matched", "Wanted"),
    option="unwanted",
    help="Only events that no webhook subscribes to.",
)
_STATES = ListParameter(
    name="states",
    kind=States(),
    about="States of deliveries, with commas.",
    field=FormField("status", "State"),
    option="status",
    help="pending, held, retrying, delivered, failed, parked, cancelled or waiting; with commas.",
    example="failed,parked",
    alias="status",
)
_EVENT = ListParameter(
    name="eventId",
    kind=EventId(),
    about="One event.",
    field=FormField("event", "Event id", size=28, further=True),
    option="event",
    help="Only of this event.",
)
_FROM = ListParameter(
    name="from",
    kind=Moment(),
    about="ISO time, or milliseconds since 1970; belongs to the range.",
    field=FormField("from", "From", "Accepted from", placeholder="2026-02-11T09:15", further=True),
    option="since",
    help="Not before: 30m, 2h, 3d ago, or an ISO time.",
    example="2026-02-11T09:15:00Z",
)
_TO = ListParameter(
    name="to",
    kind=Moment(),
    about="ISO time, or milliseconds since 1970; does not belong to the range.",
    field=FormField("to", "Before", "and before", placeholder="2026-02-11T10:00", further=True),
    option="until",
    help="Before this time.",
)
_SINCE = ListParameter(
    name="since",
    kind=Moment(),
    about="ISO time, or milliseconds since 1970; belongs to the range.",
    field=FormField("from", "From", placeholder="2026-02-11T09:15", further=True),
    option="since",
    help="Not before: 30m, 2h, 3d ago, or an ISO time.",
    example="2026-02-11T09:15:00Z",
)
_UNTIL = ListParameter(
    name="until",
    kind=Moment(),
    about="ISO time, or milliseconds since 1970; does not belong to the range.",
    field=FormField("to", "Before", placeholder="2026-02-11T10:00", further=True),
    option="until",
    help="Before this time.",
)
_ACTOR = ListParameter(
    "actor",
    ActorParameter(),
    "Who did it: the id of a person or credential.",
    field=FormField("actor", "Who"),
    option="actor",
)
_ACTION = ListParameter(
    name="action",
    kind=ActionParameter(),
    about="What was done.",
    field=FormField("action", "What"),
    option="action",
    help="Only this: webhook.changed, user.invited …",
    example="webhook.changed",
)
_OBJECT_KIND = ListParameter(
    name="objectKind",
    kind=ObjectKindParameter(),
    about="The kind of thing that it was done to.",
    field=FormField("kind", "Kind of thing"),
    option="kind",
    help="Only to things of this kind: webhook, user, org …",
    example="webhook",
)
_OBJECT = ListParameter(
    "object",
    ExactValue(),
    "What it was done to: the thing's id, or its name where it has no id.",
    field=FormField("object", "Thing", "Id of the thing", size=20),
    option="object",
)
_CHAIN = ListParameter(
    "chain",
    ChainParameter(),
    "platform: what belongs to no org, for the platform's own credential alone; left out: the "
    "org's.",
)
_LIMIT = ListParameter(
    "limit", WholeNumberType(1, LIMIT_MAX, LIMIT), f"Rows of a page; {LIMIT} where it is left out."
)
_MORE = _LIMIT._replace(kind=WholeNumberType(1, REJECTIONS_MAX, LIMIT))
_AT = "paging.next or paging.previous of an answer to the same query."
_CURSOR = ListParameter("cursor", Cursor(), _AT, field=FormField("cursor"))
_STEPS = f"About how many steps; {POINTS} where it is left out."
_POINTS = ListParameter("points", WholeNumberType(1, POINTS_MAX, POINTS), _STEPS)


@dataclass(frozen=True, kw_only=True)
class LogQuestion:
    """The question of a call, each attribute by its filters; what it did not ask for is empty."""

    values: Annotated[tuple[str, ...], _Q, _CUSTOMER, _BILL, _CARD, _REQUEST, _REF] = ()
    """An event must be found by all of them."""
    event_names: Annotated[tuple[str, ...], _NAMES] = ()
    webhook_ids: Annotated[tuple["WebhookId", ...], _WEBHOOKS] = ()
    matched: Annotated[bool | None, _MATCHED] = None
    states: Annotated[tuple[int, ...], _STATES] = ()
    event_id: Annotated[str | None, _EVENT] = None
    from_ms: Annotated[int | None, _FROM, _SINCE] = None
    to_ms: Annotated[int | None, _TO, _UNTIL] = None
    actor: Annotated[str, _ACTOR] = ""
    action: Annotated[str, _ACTION] = ""
    object_kind: Annotated[str, _OBJECT_KIND] = ""
    object: Annotated[str, _OBJECT] = ""
    chain: Annotated[str, _CHAIN] = ""
    limit: Annotated[int, _LIMIT, _MORE] = LIMIT
    cursor: Annotated[tuple[int | None, int | None], _CURSOR] = (None, None)
    points: Annotated[int, _POINTS] = POINTS
    warnings: tuple["FieldRefusal", ...] = ()

    @property
    def before(self) -> int | None:
        """Below which id the page is."""
        return self.cursor[0]

    @property
    def after(self) -> int | None:
        """Above which id it is."""
        return self.cursor[1]


ATTRIBUTES = {
    filter: name
    for name, hint in LogQuestion.__annotations__.items()
    for filter in getattr(hint, "__metadata__", ())
}
ASKED = frozenset((*LogQuestion.__annotations__, "before", "after"))
"""What a store's query may have under the same name."""
Parameters = tuple[ListParameter, ...]
AUDITED: Parameters = (_ACTOR, _ACTION, _OBJECT_KIND, _OBJECT, _SINCE, _UNTIL)
PAGING: Parameters = (_LIMIT, _CURSOR)
AUDIT: Parameters = (*AUDITED, _CHAIN, *PAGING)
_OF_OTHERS = (_MORE, _POINTS, _CHAIN, *AUDITED)
EVENTS: Parameters = tuple(attribute for attribute in ATTRIBUTES if attribute not in _OF_OTHERS)
DELIVERIES: Parameters = tuple(attribute for attribute in EVENTS if attribute is not _MATCHED)
REJECTIONS: Parameters = (_MORE, _CURSOR)
SPAN: Parameters = (_FROM, _TO)
SERIES: Parameters = (_FROM, _TO, _POINTS)
