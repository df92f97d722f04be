"""The sources of an org, one of them, and what can be done to it."""

from typing import Any

import msgspec
from starlette.responses import Response

from tidings.console.changed_by import changed_by
from tidings.console.pages.sources import form as source_form
from tidings.console.visit import Visit
from tidings.core.ids import show as show_id
from tidings.core.sources.source import NAMED
from tidings.core.sources.source_types import OUTBOX, WEBHOOK
from tidings.core.sources.verification import LABELS, VERIFICATION
from tidings.engine.sources.activity import NEWEST, OUTCOMES, REFUSED, REFUSED_NEWEST
from tidings.engine.sources.live_source import DeadLettersFull, LiveSource
from tidings.engine.sources.message_reader import NOWHERE
from tidings.engine.sources.sources import REDRIVEN_MAX
from tidings.errors import Forbidden
from tidings.reads.filters import PAGING
from tidings.reads.questions import cursors, read_question
from tidings.reads.sources import PREFIX, redrive_dead_letters, show_redriven, show_source

AT = "/sources"
PAGE = 25

# The word of each outcome, its colour and its glyph.
OUTCOME_WORDS = {
    "accepted": ("ok", "✓", "accepted"),
    "duplicate": ("pending", "·", "known already"),
    "passedOver": ("cancelled", "–", "passed over"),
    "aside": ("parked", "‖", "set aside"),
    "refused": ("failed", "✗", "refused"),
}


async def show_all(visit: Visit) -> Response:
    """List the sources by name."""
    return visit.page(
        "sources.html",
        sources=[
            summary(visit, live) for live in visit.services.sources.sources.of(visit.caller.org)
        ],
        **_words(),
    )


async def show(visit: Visit) -> Response:
    """Show one source: how it does, its newest messages, what it has set aside, how it is made."""
    live = own(visit)
    one = summary(visit, live)
    if visit.request.query_params.get("part") == "now":
        if visit.request.query_params.get("seen") == one["mark"]:
            return Response(status_code=204)  # nothing has changed since
        return visit.page("parts/source_now.html", one=one, live=live, **_words())
    cursor = visit.request.query_params.get("cursor", "")
    asked = {"limit": str(PAGE)} | ({"cursor": cursor} if cursor else {})
    question = read_question(asked, PAGING, visit.zone, visit.services.clock.now_ms())
    page = await visit.services.sources.sources.list_dead_letters(
        live, question.before, question.after, question.limit
    )
    at = cursors(page.older, page.newer)
    return visit.page(
        "source.html",
        one=one,
        changed=await changed_by(visit, "source", str(one["id"])),
        live=live,
        page=page,
        show=lambda number: show_id(PREFIX, number),
        sides={
            "older": f"?cursor={at['older']}#aside" if at["older"] else None,
            "newer": f"?cursor={at['newer']}#aside" if cursor and at["newer"] else None,
            "newest": "?#aside" if cursor else None,
        },
        most=REDRIVEN_MAX,
        takes_over=live.source.kind == OUTBOX and visit.caller.platform,
        facts=_facts(live, one),
        **_words(),
    )


def own(visit: Visit) -> LiveSource:
    """Find the source of the visitor's org that the address names. Raise UnknownSource for anything
    else."""
    return visit.services.sources.sources.get(
        visit.caller.org, str(visit.request.path_params["id"])
    )


def summary(visit: Visit, live: LiveSource) -> dict[str, Any]:
    """Describe a source as it is shown everywhere, with its state, and `mark`, which changes when a
    page must show it anew."""
    now_ms = visit.services.clock.now_ms()
    shown = show_source(live, visit.services.reached_at(visit.request), now_ms)
    trouble = str(shown.get("trouble") or "")
    try:
        live.refuse_full()
    except DeadLettersFull as full:
        trouble = trouble or full.reason.message
    state = ("paused", "‖", "paused") if live.source.paused else ("ok", "✓", "takes messages")
    if trouble and not live.source.paused:
        state = ("failed", "✗", "trouble")
    hour = [(outcome, count) for outcome, count in shown["lastHour"].items() if count]
    totals = sum(live.activity.totals.values())
    return shown | {
        "at": f"{AT}/{live.id}",
        "kind": source_form.kind_label(live.source.kind),
        "state": state,
        "trouble": trouble,
        "hour": hour,
        "messages": live.activity.count_last_hour(now_ms),
        "refused": shown["lastHour"][REFUSED],
        "last_ms": live.activity.last_ms,
        "mark": f"{totals}-{live.dead_letters}-{shown['lag']}-{state[0]}-{len(live.others)}",
    }


def known_by(place: str) -> str:
    """Say what a repeat of a message is known by; empty where it had nothing of the kind, and has a
    place of ours that nobody knows."""
    return "" if place.startswith(NOWHERE) else place


def _words() -> dict[str, Any]:
    words = {"outcomes": OUTCOMES, "words": OUTCOME_WORDS, "named": NAMED}
    most = {"shown_max": NEWEST, "refused_max": REFUSED_NEWEST}
    return words | most | {"known_by": known_by}


def _facts(live: LiveSource, one: dict[str, Any]) -> dict[str, Any]:
    """Show the settings of a source as they are read; secrets by their end."""
    source = live.source
    known_by = None
    if source.verification is not None:
        fields = VERIFICATION.show(source.verification)
        scheme = str(fields["type"])
        parts = [
            (part.field.label, fields[part.name])
            for _, part in source_form.PARTS[scheme]
            if fields[part.name]
        ]
        known_by = (LABELS[scheme], parts)
    further = [
        (source_form.label(field), one[field.name])
        for field in source_form.extras(source.kind, new=True)
        if one[field.name] not in (None, "") and field.name != "connection"  # which is a link
    ]
    return {
        "known_by": known_by,
        "further": [
            (label, value if isinstance(value, str) else source_form.pretty(value))
            for label, value in further
        ],
        "orgs": dict(source_form.ORGS)[source.orgs],
        "message_id": "" if one["messageId"] is None else _in_line(one["messageId"]),
        "mapping": _json(one["mapping"]),
    }


def _in_line(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _json(value: object) -> str:
    return "" if value is None else source_form.pretty(value)


# -- what is done to it ---------------------------------------------------------------------------


async def say(visit: Visit) -> Response:
    """Pause or resume it at once."""
    live = own(visit)
    verb = visit.form.get("verb", "")
    if verb not in ("pause", "resume"):
        return visit.go(f"{AT}/{live.id}")
    await visit.services.sources.sources.pause(visit.caller.org, live.id, paused=verb == "pause")
    if verb == "resume":
        return visit.go(f"{AT}/{live.id}", "Resumed. It accepts messages again.")
    waits = "senders come again" if live.source.kind == WEBHOOK else "messages wait where they are"
    message = f"Paused. Nothing is accepted until you resume it, and nothing is lost: {waits}."
    return visit.go(f"{AT}/{live.id}", message)


async def take_over(visit: Visit) -> Response:
    """Read the table of an outbox from now on, though another installation reads it. Forbidden for
    whoever is not of the platform."""
    live = own(visit)
    if not visit.caller.platform:
        raise Forbidden.because(
            "forbidden",
            "A table must be taken over with the platform's own credential; got an org's "
            "credential. Ask the operator.",
            place="session",
        )
    await visit.services.sources.sources.take_over(visit.caller.org, live.id)
    return visit.go(f"{AT}/{live.id}", "It takes over its table; other installations are refused.")


async def redrive(visit: Visit) -> Response:
    """Try all that is set aside again, by the mapping and the rules of today."""
    live = own(visit)
    services = visit.services
    fates = await redrive_dead_letters(services.web.answer_memory, services.sources.sources, live)
    return visit.go(f"{AT}/{live.id}", redriven(show_redriven(fates, live)))


def redriven(result: dict[str, Any]) -> str:
    """Say in a sentence what became of messages that were tried again."""
    done = result["messages"]
    if not done:
        return "Nothing is set aside."
    parts = [f"{result['accepted']:,} event{'s' * (result['accepted'] != 1)} accepted"]
    if result["duplicates"]:
        parts.append(f"{result['duplicates']:,} known already")
    if result["aside"]:
        parts.append(f"{result['aside']:,} message{'s' * (result['aside'] != 1)} still set aside")
    begun = f"{done:,} message{'s were' if done != 1 else ' was'} tried again: {', '.join(parts)}."
    rest = result["left"] - result["aside"]
    return f"{begun} {rest:,} are left to try." if done >= REDRIVEN_MAX and rest else begun


async def ask_delete(visit: Visit) -> Response:
    """Ask before a source is deleted, and say what deleting does."""
    return visit.page("source_sure.html", one=summary(visit, own(visit)))


async def delete(visit: Visit) -> Response:
    """Forget it with what it has set aside."""
    live = own(visit)
    if visit.form.get("sure") != "yes":
        return await ask_delete(visit)
    name, url = live.source.name, summary(visit, live)["url"]
    await visit.services.sources.sources.delete(visit.caller.org, live.id)
    gone = " Requests to its address are answered 401." if url else ""
    return visit.go(AT, f"{name} is deleted.{gone}")
