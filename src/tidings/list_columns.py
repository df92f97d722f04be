"""The lists that people read: the columns of each, declared once for command line and console.

A list of the command line has all of a column made from here: its head, the field of the answer,
how that is shown, and whether it may be broken. The console's pages take heads and alignment; what
stands in a cell there (links, chips, further lines) is the page's own.

Add a column here; the rest follows.
"""

from enum import Enum, auto
from typing import NamedTuple


class Shown(Enum):
    """A way to show the values of a column."""

    TEXT = auto()
    NAME = auto()
    """In one piece: a narrow terminal breaks other columns."""
    NUMBER = auto()
    """At the right."""
    MOMENT = auto()
    """A time, in the reader's zone and with it, in one piece."""
    DONE_HERE = auto()
    """On a page alone: what can be done with the row, where the reader may do it."""


class ListColumn(NamedTuple):
    """One column."""

    head: str
    field: str = ""
    """Of the API's answer, as a path: `error.code`. A command may compute its cells otherwise."""
    shown: Shown = Shown.TEXT
    label: str = ""
    """On a page whose rows are cards, where it is shorter than the head."""
    title: str = ""
    """On a page: what is counted, where the head alone does not say it."""


class ResourceList(NamedTuple):
    """The columns of one list, from left to right."""

    shell: tuple[ListColumn, ...] = ()
    page: tuple[ListColumn, ...] = ()


def _number(head: str, field: str = "", title: str = "") -> ListColumn:
    """Return a column of numbers."""
    return ListColumn(head, field, Shown.NUMBER, title=title)


def _moment(head: str, field: str = "") -> ListColumn:
    """Return a column of times."""
    return ListColumn(head, field, Shown.MOMENT)


def _name(head: str, field: str) -> ListColumn:
    """Return a column whose values are not broken."""
    return ListColumn(head, field, Shown.NAME)


ID = ListColumn("Id", "id")
NAME = ListColumn("Name", "name")
TYPE = ListColumn("Type", "type")
STATE = ListColumn("State", "state")
WHY = ListColumn("Why", "reason")
ACCEPTED = _moment("Accepted", "acceptedAt")
EVENT = ListColumn("Event", "eventName")
EVENT_ID = ListColumn("Id", "eventId")
CUSTOMER = ListColumn("Customer", "customerId")
WEBHOOKS = _number("Webhooks", "deliveries")
WEBHOOK = ListColumn("Webhook", "webHookName")
ATTEMPTS = _number("Attempts", "attempts")
TRIES = _number("Tries", "attempts")
ANSWER = _number("Answer", "status")
TOOK = _number("Took", "durationInMs")
LAST_USED = _moment("Last used", "lastUsedAt")
LAST_MESSAGE = _moment("Last message", "lastMessageAt")
DEAD_COUNT = _number("Set aside", "asideMessages")
WAITING = _number("Waiting", "waiting")

EVENTS = ResourceList(
    shell=(ACCEPTED, EVENT, WEBHOOKS, EVENT_ID),
    page=(ACCEPTED, EVENT, EVENT_ID, CUSTOMER, WEBHOOKS),
)
EVENTS_FOUND = ResourceList(page=(ACCEPTED, EVENT, EVENT_ID, WEBHOOKS))
REJECTIONS = ResourceList(
    shell=(_moment("Refused", "rejectedAt"), EVENT, ID, ListColumn("Why", "error.message")),
    page=(
        _moment("Came"),
        ListColumn("Event type"),
        ListColumn("What is wrong"),
        ListColumn("Where"),
    ),
)
DELIVERIES = ResourceList(
    shell=(STATE, ACCEPTED, EVENT, WEBHOOK, TRIES, ANSWER, _name("Id", "id")),
    page=(ACCEPTED, EVENT, CUSTOMER, WEBHOOK, STATE, ATTEMPTS, ANSWER, TOOK),
)
DELIVERIES_FOUND = ResourceList(page=(ACCEPTED, EVENT, WEBHOOK, STATE))
DELIVERIES_OF_EVENT = ResourceList(
    page=(WEBHOOK, STATE, ATTEMPTS, ANSWER, TOOK, ListColumn("Delivery"))
)
DELIVERIES_OF_WEBHOOK = ResourceList(page=(ACCEPTED, EVENT, STATE, ATTEMPTS, ANSWER, TOOK))
NEXT_RUNS = ResourceList(page=(_moment("Next try"), EVENT, ACCEPTED, STATE, WHY))
RUNS = ResourceList(
    page=(ACCEPTED, EVENT, STATE, WHY, TRIES, ListColumn("Again", shown=Shown.DONE_HERE))
)
WEBHOOKS_OF_ORG = ResourceList(
    shell=(
        NAME,
        _name("Health", "health"),
        WAITING,
        ListColumn("Events", "eventNames"),
        ListColumn("To", "to"),
        ListColumn("Id", "webHookId"),
    ),
    page=(
        WEBHOOK,
        ListColumn("To"),
        STATE,
        ListColumn("24 hours"),
        _number("Attempts failed", title="The share of attempts in 24 hours that failed"),
        _number("Arrived", title="The share of events of 24 hours that arrived, also by a replay"),
        _number("p50 · p95"),
        WAITING,
        _number("Parked"),
    ),
)
FAILING = ResourceList(
    shell=(
        _number("Org", "orgId"),
        _name("Webhook", "name"),
        _moment("Since", "failingSince"),
        WAITING,
        _moment("Oldest", "oldestWaitingSince"),
        ListColumn("Id", "webHookId"),
    ),
    page=(
        ListColumn("Org"),
        WEBHOOK,
        _moment("Since"),
        WAITING,
        _moment("Oldest since"),
    ),
)
INCIDENTS = ResourceList(
    shell=(
        _number("Org", "orgId"),
        WEBHOOK,
        _name("Kind", "kind"),
        _moment("Since", "since"),
        _moment("Ended", "endedAt"),
        ListColumn("What", "sentence"),
        ListColumn("Known by", "acknowledged"),
        _name("Id", "id"),
    )
)
PREVIEWED = ResourceList(
    shell=(
        ListColumn("", "received"),
        ACCEPTED,
        EVENT,
        EVENT_ID,
        ListColumn("Bytes, or why not", "body"),
    )
)
ACTIONS = ResourceList(
    shell=(
        _name("Action", "name"),
        STATE,
        ListColumn("Does", "does"),
        _number("Done", "lastDay.done"),
        _number("Failed", "lastDay.failed"),
        _number("Skipped", "lastDay.cancelled"),
        WAITING,
    ),
    page=(
        ListColumn("Action"),
        STATE,
        ListColumn("24 hours"),
        _number("Done"),
        _number("Failed"),
        _number(
            "Not done",
            title="Skipped, with a reason that the file names: an opt-out, a cap, no record",
        ),
        WAITING,
    ),
)
REPLAYS = ResourceList(
    shell=(
        ID,
        ListColumn("Kind", "kind"),
        ListColumn("Webhook", "webHookId"),
        STATE,
        _number("Done", "progress"),
        _number("Made", "made"),
        _number("Delivered", "delivered"),
        _number("Failed", "failed"),
        _moment("Asked for", "createdAt"),
    ),
    page=(_moment("Begun"), ListColumn("What"), STATE, _number("Made"), ListColumn("Progress")),
)
SOURCES = ResourceList(
    shell=(NAME, TYPE, STATE, LAST_MESSAGE, _number("Last hour", "lastHour"), DEAD_COUNT, ID),
    page=(ListColumn("Source"), STATE, LAST_MESSAGE, ListColumn("Last hour"), DEAD_COUNT),
)
LAGS = ResourceList(
    shell=(NAME, TYPE, STATE, WAITING, ListColumn("A second", "messagesPerSecond"), LAST_MESSAGE)
)
MESSAGES_OF_SOURCE = ResourceList(
    shell=(_moment("At", "at"), ListColumn("Outcome", "outcome"), EVENT)
    + (ListColumn("Event id", "eventId"), WHY),
    page=(_moment("Came"), ListColumn("Outcome"), EVENT, ListColumn("Known by"), WHY),
)
DEAD_LETTERS = ResourceList(
    shell=(
        _moment("At", "at"),
        ListColumn("Code", "error.code"),
        WHY,
        _number("Times", "times"),
        _number("Bytes", "bytes"),
        _name("Id", "id"),
    ),
    page=(
        _moment("Came"),
        ListColumn("Why no event was made of it", label="Why"),
        ListColumn("Where"),
        _number("Body"),
    ),
)
CONNECTIONS = ResourceList(
    shell=(
        _name("Name", "name"),
        TYPE,
        ListColumn("Open to", "openTo"),
        _number("Sources", "sources"),
        _number("Webhooks", "webhooks"),
        ListColumn("Last check", "lastCheck"),
    ),
    page=(
        ListColumn("Connection"),
        ListColumn("Settings"),
        ListColumn("Who may use it"),
        ListColumn("Used by"),
        ListColumn("Last check"),
        ListColumn("Check", shown=Shown.DONE_HERE),
    ),
)
OWN_TYPES = ResourceList(
    page=(
        ListColumn("Event type"),
        ListColumn("What has happened"),
        _number("Version"),
        _moment("Last changed"),
    ),
)
REFERENCE_KINDS = ResourceList(
    page=(
        ListColumn("Kind"),
        ListColumn("Found by"),
        _number("Records"),
        _moment("Last changed"),
    ),
)
INBOXES = ResourceList(
    shell=(ID, NAME, ListColumn("Answers", "answer"), LAST_USED),
    page=(
        ListColumn("Inbox"),
        ListColumn("Receiving URL"),
        ListColumn("Answers"),
        LAST_USED,
        ListColumn("Use it"),
    ),
)
_LAST_SENT = _moment("Last sent", "lastSentAt")
ALERT_CHANNELS = ResourceList(
    shell=(NAME, TYPE, STATE, _LAST_SENT, ID),
    page=(ListColumn("Channel"), TYPE, STATE, _LAST_SENT),
)
ARRIVALS = ResourceList(
    shell=(
        _moment("Arrived", "arrivedAt"),
        ListColumn("Method", "method"),
        _number("Bytes", "bytes"),
        ListColumn("Signature", "verdict"),
        _number("Answered", "status"),
        ID,
    ),
    page=(_moment("Arrived"), ListColumn("Request"), ListColumn("Signature"), _number("Answered")),
)
CREDENTIALS = ResourceList(
    shell=(
        NAME,
        ListColumn("Kind", "kind"),
        ListColumn("May", "scopes"),
        LAST_USED,
        ListColumn("Key", "id"),
    ),
    page=(
        ListColumn("Credential"),
        ID,
        STATE,
        ListColumn("May"),
        LAST_USED,
        ListColumn("Ends"),
        ListColumn("Actions", shown=Shown.DONE_HERE),
    ),
)
USERS = ResourceList(page=(ListColumn("User"), ListColumn("Role"), STATE, _moment("Since")))
SESSIONS = ResourceList(
    page=(ListColumn("Browser"), ListColumn("Address"), _moment("Signed in"), _moment("Last seen"))
)
TRANSFORMATIONS = ResourceList(
    page=(
        ListColumn("Transformation"),
        ListColumn("Used by"),
        _number("Version"),
        _moment("Last changed"),
    )
)
PORTAL_LINKS = ResourceList(
    page=(
        ListColumn("Link"),
        ListColumn("Role"),
        ListColumn("Made by"),
        _moment("Expires"),
        ListColumn("Actions", shown=Shown.DONE_HERE),
    )
)
PORTAL_SESSIONS = ResourceList(
    page=(
        ListColumn("Session"),
        ListColumn("Role"),
        ListColumn("Link made by"),
        _moment("Opened"),
        LAST_USED,
        _moment("Ends"),
        ListColumn("Actions", shown=Shown.DONE_HERE),
    )
)
SAVED_VIEWS = ResourceList(
    page=(
        ListColumn("View"),
        ListColumn("List"),
        ListColumn("Filters and order"),
        _moment("Saved"),
        ListColumn("Actions", shown=Shown.DONE_HERE),
    )
)
ORGS = ResourceList(
    shell=(
        _number("Id", "id"),
        NAME,
        _number("Parent", "parent"),
        ListColumn("Time zone", "timeZone"),
        _moment("Made", "createdAt"),
    )
)
CELLS = ResourceList(
    shell=(
        _number("Cell", "cell"),
        STATE,
        ListColumn("Store", "place"),
        _number("Families", "families"),
        ListColumn("Owner", "address"),
        _number("Ranges", "ranges"),
        _number("Spares", "spares"),
    )
)
MOVES = ResourceList(
    shell=(
        _number("Org", "org"),
        _number("From", "source"),
        _number("To", "target"),
        STATE,
        _number("Rows", "rowsMoved"),
        _number("Held", "pausedSeconds", title="Seconds for which its calls are answered 503"),
        _moment("Began", "beganAt"),
    )
)
CELL_FILES = ResourceList(
    shell=(
        ListColumn("File or setting", "name", Shown.NAME),
        ListColumn("In force", "inForce"),
        ListColumn("Here", "here"),
        ListColumn("Others", "others"),
    )
)
RECORDS = ResourceList(shell=(ID, ListColumn("Record", "record")))
