"""What a channel is sent next, of the incidents that are open and of what it has heard. Pure.

Nothing is queued: each round compares what is open with the marks of what was sent (`AlertMark`,
kept in the store once the other side has taken the message). So a stop loses nothing, what has
ended before anybody heard of it wakes nobody, and a channel that was broken for two days hears of
what still is.

    open, no mark ──(stood for the delay, not quiet)──► trigger ──► mark
    mark, open, grew or has another cause ──(quarter of an hour apart)──► grew ──► mark
    mark, open, acknowledged ──► acknowledged ──► mark     (where channels have a word for it)
    mark, not open ──► end ──► no mark

More than `TOGETHER` openings at a time are one message, with one key: its incidents share the key,
the end of the last of them ends it, and it is acknowledged once each that is open is. A channel
gets at most `PER_MINUTE` messages a minute; what is due beyond waits for the next one, where it is
summed up.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from enum import StrEnum
from typing import NamedTuple

import msgspec

from tidings.core.alerts.incident import OpenIncident
from tidings.core.alerts.quiet import QuietRules, is_quiet, mutes

TOGETHER = 3
PER_MINUTE = 6
MINUTE_MS = 60_000
GREW_EVERY_MS = 900_000
LISTED_MAX = 200  # incidents of one message; the others follow in the next


class AlertAct(StrEnum):
    """The change that a message tells of its incidents."""

    OPENED = "opened"
    GREW = "grew"
    ACKNOWLEDGED = "acknowledged"
    ENDED = "ended"


class AlertMark(msgspec.Struct, frozen=True, kw_only=True):
    """A mark of what a channel has heard: the incident as it was then, under which key, and whether
    that it is acknowledged."""

    key: str
    incident: OpenIncident
    sent_ms: int
    acknowledged: bool = False


class AlertMessage(NamedTuple):
    """One message to a channel: about one incident, or several that are one message."""

    act: AlertAct
    key: str
    incidents: Sequence[OpenIncident]
    at_ms: int
    all_orgs: bool = False  # to who hears of all of them


class ChannelTimes(NamedTuple):
    """When a channel may be sent something. `zone`: of its hours; `sent_ms`: its last messages."""

    delay_ms: int
    quiet: QuietRules
    zone: tzinfo
    sent_ms: Sequence[int] = ()


class AlertPlan(NamedTuple):
    """The messages of a round, in order, and the marks that end without one."""

    messages: Sequence[AlertMessage]
    ended: Sequence[str]


def plan_alerts(
    incidents: Iterable[OpenIncident],
    marks: Mapping[str, AlertMark],
    times: ChannelTimes,
    now_ms: int,
    *,
    acknowledges: bool = False,
) -> AlertPlan:
    """Plan the messages of a round to one channel. `incidents`: all that are open and are its to
    hear; `marks`: what it has heard, by incident; `acknowledges`: it has a word for that."""
    known = {incident.id: incident for incident in incidents}
    sent = sum(now_ms - MINUTE_MS < at_ms <= now_ms for at_ms in times.sent_ms)
    room = max(0, PER_MINUTE - sent)
    ends, dropped = _plan_ends(known, marks, now_ms)
    grew = _plan_growth(known, marks, times, now_ms)
    opened = _plan_openings(known, marks, times, now_ms)
    seen = _plan_acknowledgements(known, marks, now_ms) if acknowledges else ()
    return AlertPlan([*opened, *ends, *seen, *grew][:room], dropped)


def mark_sent(
    message: AlertMessage, marks: Mapping[str, AlertMark], now_ms: int
) -> dict[str, AlertMark]:
    """Return the marks of what a channel has heard by a message, by incident; none by an end.
    `marks`: those of before. An acknowledgement changes nothing else of them: growth that was not
    sent yet is."""
    if message.act is AlertAct.ENDED:
        return {}
    sent = {}
    for incident in message.incidents:
        before = marks.get(incident.id)
        if message.act is AlertAct.ACKNOWLEDGED and before is not None:
            sent[incident.id] = msgspec.structs.replace(before, acknowledged=True)
            continue
        sent[incident.id] = AlertMark(
            key=message.key,
            incident=incident,
            sent_ms=now_ms,
            acknowledged=before is not None and before.acknowledged,
        )
    return sent


def _plan_openings(
    known: Mapping[str, OpenIncident],
    marks: Mapping[str, AlertMark],
    times: ChannelTimes,
    now_ms: int,
) -> list[AlertMessage]:
    if is_quiet(times.quiet, times.zone, now_ms):
        return []
    due = [
        incident
        for incident in known.values()
        if incident.id not in marks
        and not mutes(times.quiet, incident.kind)
        and now_ms - incident.opened_ms >= times.delay_ms
    ]
    due.sort(key=lambda incident: (incident.opened_ms, incident.id))
    if len(due) <= TOGETHER:
        return [
            AlertMessage(AlertAct.OPENED, incident.id, incidents=[incident], at_ms=now_ms)
            for incident in due
        ]
    together = due[:LISTED_MAX]
    key = f"{together[0].id}.{together[0].opened_ms}+"
    return [AlertMessage(AlertAct.OPENED, key, incidents=together, at_ms=now_ms)]


def _plan_growth(
    known: Mapping[str, OpenIncident],
    marks: Mapping[str, AlertMark],
    times: ChannelTimes,
    now_ms: int,
) -> list[AlertMessage]:
    if is_quiet(times.quiet, times.zone, now_ms):
        return []
    by_key: dict[str, list[OpenIncident]] = defaultdict(list)
    for id, mark in marks.items():
        incident = known.get(id)
        if incident is None or mutes(times.quiet, incident.kind):
            continue
        changed = incident.grew > mark.incident.grew or incident.cause != mark.incident.cause
        if changed and not 0 <= now_ms - mark.sent_ms < GREW_EVERY_MS:
            by_key[mark.key].append(incident)
    return [
        AlertMessage(AlertAct.GREW, key, incidents=incidents[:LISTED_MAX], at_ms=now_ms)
        for key, incidents in by_key.items()
    ]


def _plan_acknowledgements(
    known: Mapping[str, OpenIncident], marks: Mapping[str, AlertMark], now_ms: int
) -> list[AlertMessage]:
    """Return a message for each key whose open incidents have all been acknowledged since."""
    by_key: dict[str, list[tuple[OpenIncident, AlertMark]]] = defaultdict(list)
    for id, mark in marks.items():
        if id in known:
            by_key[mark.key].append((known[id], mark))
    return [
        AlertMessage(
            AlertAct.ACKNOWLEDGED,
            key,
            incidents=[incident for incident, _ in pairs],
            at_ms=now_ms,
        )
        for key, pairs in by_key.items()
        if all(incident.acknowledged for incident, _ in pairs)
        and not all(mark.acknowledged for _, mark in pairs)
    ]


def _plan_ends(
    known: Mapping[str, OpenIncident], marks: Mapping[str, AlertMark], now_ms: int
) -> tuple[list[AlertMessage], list[str]]:
    """Return the messages of ends, and the marks that end without one as others have their key."""
    still = {mark.key for id, mark in marks.items() if id in known}
    over: dict[str, list[str]] = defaultdict(list)
    for id, mark in marks.items():
        if id not in known:
            over[mark.key].append(id)
    messages, dropped = [], []
    for key, ids in over.items():
        if key in still:
            dropped += ids
        else:
            incidents = [marks[id].incident for id in ids]
            messages.append(AlertMessage(AlertAct.ENDED, key, incidents=incidents, at_ms=now_ms))
    return messages, dropped
