"""What fails now over all orgs: for the operator, who pauses or stops exactly what is named."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from starlette.responses import Response

from tidings.api.cells.failing import (
    NAMED_MAX,
    BulkVerb,
    NamedWebhook,
    carry_out,
    find_all_problems,
)
from tidings.console.place import PageScope
from tidings.console.visit import PlainVisit
from tidings.core.declaration import read_body
from tidings.core.delivery.receivers.problem_groups import FailingWebhook, describe_group
from tidings.core.form import Form
from tidings.core.ids import OrgId, WebhookId
from tidings.core.incidents.acknowledgement import Acknowledgement
from tidings.engine.access.denials import demand
from tidings.engine.webhooks.records import author
from tidings.errors import Forbidden, Invalid, passed
from tidings.reads.webhooks.failing import IN_ANSWER, ON_PAGE

AT = "/failing"
READS, WRITES = "webhooks:read", "webhooks:write"
_NAMED = re.compile(r"([1-9][0-9]{0,15})\.([0-9a-f]{24})\.([1-9][0-9]{0,8})")


class BulkWords(NamedTuple):
    """Words of what can be done with all that is named."""

    label: str
    done: str
    effect: str
    scope: str = WRITES  # without which nobody may do it


VERBS: dict[BulkVerb, BulkWords] = {
    "acknowledge": BulkWords(
        "Acknowledge",
        "Acknowledged",
        "Other operators and the org see that somebody knows, and your note. Nothing else changes.",
    ),
    "drain": BulkWords(
        "Try now and drain",
        "Tried",
        "One delivery of each is sent at once. Where it is taken, all that waits follows.",
        scope="replay:write",
    ),
    "pause": BulkWords("Pause", "Paused", "What waits, and what is new, is queued until resumed."),
    "disable": BulkWords(
        "Stop", "Stopped", "What waits, and what is new, is parked; a replay sends it."
    ),
}
"""What can be done with failing webhooks in bulk; pages and orders follow from it."""


async def show(visit: PlainVisit) -> Response:
    """Show what fails in all orgs of all cells; with `part=now` what is asked for again."""
    _platform(visit, READS)
    found, missing = await find_all_problems(visit.services, ON_PAGE)
    is_part = visit.request.query_params.get("part") == "now"
    return visit.page(
        "parts/failing.html" if is_part else "failing.html",
        found=found,
        missing=missing,
        verbs={verb: words for verb, words in VERBS.items() if visit.may(words.scope)},
        **_WORDS,
    )


async def change(visit: PlainVisit) -> Response:
    """Ask once more before something is done with what was named; with `step=start` do it."""
    verb = next((known for known in VERBS if known == visit.form.get("do")), None)
    _platform(visit, WRITES if verb is None else VERBS[verb].scope)
    named = _named(visit.lists.get("named", []))
    if verb is None:
        raise _refused("The form must be one of this page; it is another one. Reload the page.")
    found, missing = await find_all_problems(visit.services, IN_ANSWER)
    known = {(member.org, member.id): member for group in found.groups for member in group.members}
    if visit.form.get("step") != "start":
        return visit.page(
            "failing_sure.html",
            verb=verb,
            words=VERBS[verb],
            named=[(webhook, known.get((webhook.org, webhook.id))) for webhook in named],
            missing=missing,
            **_WORDS,
        )
    note = passed(read_body(Acknowledgement, Form({"note": visit.form.get("note", "")}))).note
    outcomes = await carry_out(visit.services, verb, named, author(visit.caller), note)
    left = [outcome for outcome in outcomes if outcome.why]
    done = len(outcomes) - len(left)
    message = f"{VERBS[verb].done} {done} webhook{'' if done == 1 else 's'}."
    if not left:
        return visit.go(AT, message)
    return visit.page(
        "failing_left.html",
        409,
        message=message,
        left=[(outcome, known.get((outcome.org, outcome.id))) for outcome in left],
        **_WORDS,
    )


def _named(texts: Sequence[str]) -> list[NamedWebhook]:
    """Read the webhooks that a form names, each as it was shown. Raise Invalid."""
    if not 0 < len(texts) <= NAMED_MAX:
        raise _refused(
            f"1 to {NAMED_MAX} webhooks must be named; got {len(texts)}. Tick some, and do the "
            "rest afterwards."
        )
    found = [_NAMED.fullmatch(text) for text in texts]
    named = [
        NamedWebhook(OrgId(int(match[1])), WebhookId(match[2]), int(match[3]))
        for match in found
        if match is not None
    ]
    if len(named) < len(texts):
        raise _refused("The form must be one of this page; it is another one. Reload the page.")
    return list(dict.fromkeys(named))


def name_as_shown(member: FailingWebhook) -> str:
    """Write a webhook as a form names it: with the version that is shown."""
    return f"{member.org}.{member.id}.{member.version}"


def _lead(org: OrgId, path: str = "") -> str:
    return PageScope(org).at(path)


_WORDS: dict[str, Any] = {
    "describe": describe_group,
    "name_as_shown": name_as_shown,
    "lead": _lead,
}


def _refused(sentence: str) -> Invalid:
    return Invalid.because("bad_form", sentence, field="named")


def _platform(visit: PlainVisit, scope: str) -> None:
    if not visit.caller.platform:
        raise Forbidden.because(
            "forbidden",
            "What fails in all orgs must be seen with the platform's own credential; got an org's "
            "credential. Look at the overview of the org, or ask the operator.",
            place="session",
        )
    demand(visit.caller, scope)
