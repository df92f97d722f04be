"""The list of an org's webhooks: searched, narrowed to a state, and ordered. The address is the
state of the list, so that whoever opens it sees the same."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.responses import Response

from tidings.console.pages.webhooks.summary import bars, summaries
from tidings.console.saved_list import views_of_list
from tidings.console.visit import Visit
from tidings.core.delivery.receivers.judgement import Condition
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.form import Form
from tidings.engine.webhooks.judgements import WebhookJudgement
from tidings.engine.webhooks.records import WebhookState
from tidings.errors import FieldRefusal
from tidings.reads.questions import refuse_unknown_parameters
from tidings.values import describe_value

PAGE = 25
DELETED = "deleted"
STATES: Mapping[str, str] = {
    "": "any",
    **{condition.value: condition.value for condition in Condition if condition != DELETED},
}
"""The states that a list can be narrowed to, each with its word."""
SORTS: Mapping[str, str] = {
    "": "what fails first",
    "newest": "newest first",
    "name": "by name",
}
"""The orders of a list, each with its word; the empty one is the order that nobody has chosen."""
_WORST_FIRST = (Condition.FAILING, Condition.UNREAD, Condition.HELD_UP, Condition.DEGRADED)
_SHOWS: Mapping[str, str] = {"": "", DELETED: ""}
_SEARCH_MAX = 255
Judge = Callable[[WebhookState], WebhookJudgement]


class ListQuery(NamedTuple):
    """Hold what is asked of the list, each part by its name in the address."""

    q: str = ""  # part of a name or URL, in lower case
    state: str = ""
    sort: str = ""
    show: str = ""
    page: int = 1

    def address(self, **changes: Any) -> str:
        """Write the query string of the same list with some of it changed; the first page but where
        another one is given."""
        asked = self._asdict() | {"page": 1} | changes
        pairs = {name: value for name, value in asked.items() if value and (name, value) != _FIRST}
        return "?" + urlencode(pairs)


_FIRST = ("page", 1)


def read_query(query: QueryParams) -> tuple[ListQuery, Sequence[FieldRefusal]]:
    """Read an address, with what is wrong with it. A name or a value that is none is refused: the
    list would else show webhooks that it was to leave out."""
    form = Form(dict.fromkeys(query, ""))
    refuse_unknown_parameters(form, ListQuery._fields)
    chosen = {}
    for name, known in (("state", STATES), ("sort", SORTS), ("show", _SHOWS)):
        chosen[name] = value = query.get(name, "")
        if value not in known:
            form.refuse(
                "bad_parameter",
                name,
                f"{name} must be one of {', '.join(filter(None, known))}; got "
                f"{describe_value(value)}. Choose one of them.",
            )
    text = query.get("page", "1")
    is_page = text.isascii() and text.isdigit() and len(text) < 6
    page = max(1, int(text)) if is_page else 1
    wanted = query.get("q", "").strip().lower()[:_SEARCH_MAX]
    return ListQuery(q=wanted, page=page, **chosen), form.refusals


def find_listed(
    records: Sequence[WebhookState], asked: ListQuery, judge: Judge
) -> list[WebhookState]:
    """Return the webhooks of an org that a list is to show, in its order. `records`: the oldest
    first. One that is paused while it fails is found under both."""
    found = []
    for record in reversed(records):
        webhook = record.webhook
        if (webhook.status is WebhookStatus.DELETED) != (asked.show == DELETED):
            continue
        if asked.q and asked.q not in f"{webhook.name} {webhook.url}".lower():
            continue
        judged = judge(record)
        if asked.state and asked.state not in (judged.condition, judged.state):
            continue
        found.append((record, judged))
    if asked.sort == "name":
        found.sort(key=lambda listed: listed[0].webhook.name.lower())
    elif not asked.sort:
        found.sort(key=lambda listed: rank_of(listed[1]))
    return [record for record, _ in found]


def rank_of(judged: WebhookJudgement) -> int:
    """Return the place of a webhook by how much it needs somebody: lower is earlier."""
    if judged.condition in _WORST_FIRST:
        return _WORST_FIRST.index(judged.condition)
    return len(_WORST_FIRST) + (judged.state is None)


async def show_all(visit: Visit) -> Response:
    """List the webhooks, what fails first; deleted ones only where they are asked for."""
    services = visit.services
    everything = services.webhooks.list(visit.caller.org)
    asked, refusals = read_query(visit.request.query_params)
    records = []
    if not refusals:
        judgements = services.delivery.judgements
        records = find_listed(everything, asked, lambda record: judgements.of(record.webhook))
    part = records[(asked.page - 1) * PAGE : asked.page * PAGE]
    return visit.page(
        "webhooks.html",
        400 if refusals else 200,
        refusals={refusal.field: refusal.message for refusal in refusals},
        summaries=await summaries(services, part),
        bars=bars,
        any=bool(everything),
        asked=asked,
        states=STATES,
        sorts=SORTS,
        pages=-(-len(records) // PAGE),
        **await views_of_list(visit, "webhooks"),
    )
