"""What fails over all orgs, as few groups as there are reasons: by place and by cause.

One receiver that is down fails the webhooks of many orgs at once, and is one thing to look after.
Webhooks belong together where they lead to one host, or go over one connection, and fail alike; of
an action what it cannot do says both. What holds up most comes first: how many deliveries wait, by
how long the oldest of them has waited. Groups of several cells are put together by the same rule.
What is beyond the bounds is counted, and never only left out. Pure.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from urllib.parse import urlsplit

import msgspec

from tidings.core.delivery.receivers.health import does, has_done
from tidings.core.ids import OrgId, WebhookId
from tidings.values import percent

PORTS = {"http": 80, "https": 443}


class ProblemState(StrEnum):
    """The ways in which a webhook that somebody should look after does."""

    FAILING = "failing"  # nothing gets through
    DEGRADED = "degraded"  # a part of its attempts fails
    HELD_UP = "held up"  # by its connection
    UNREAD = "unread"  # messages wait, and nobody fetches them


class ProblemKey(msgspec.Struct, frozen=True, kw_only=True):
    """The reason of a failure, by which webhooks belong together."""

    state: ProblemState
    host: str = ""  # with its port, where that is not the usual one
    connection: str = ""  # that it goes over, in place of a host
    cause: str = ""  # a status, or the kind of a fault
    is_action: bool = False
    trouble: str = ""  # of an action: what it cannot do, and because of whom
    detail: str = ""  # sentences: why a connection is held, what an action lacks

    @property
    def place(self) -> str:
        """Return where it leads, in words; empty where that says nothing."""
        if self.host:
            return f"at {self.host}"
        return f"over the connection {self.connection}" if self.connection else ""


class FailingWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook that somebody should look after. Times are milliseconds since the epoch."""

    org: OrgId
    org_name: str
    id: WebhookId
    version: int
    name: str
    key: ProblemKey
    since_ms: int | None = None
    waiting: int = 0  # deliveries, but for those of which an action itself puts off the time
    oldest_ms: int | None = None  # when the oldest of them was accepted
    attempts: int = 0  # of the last minutes, where some succeed
    failed: int = 0  # of these
    acknowledged_ms: int | None = None  # None: nobody has acknowledged its incident
    acknowledged_by: str = ""
    note: str = ""  # of who has

    def weight(self, now_ms: int) -> int:
        """Compute how much it holds up: deliveries that wait, by the milliseconds that the oldest
        of them has waited."""
        return self.waiting * max(0, now_ms - (self.oldest_ms or now_ms))


class ProblemGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Webhooks that fail alike at one place; `members` are those that hold up most."""

    key: ProblemKey
    webhooks: int  # all of them
    orgs: int
    waiting: int
    weight: int
    since_ms: int | None
    oldest_ms: int | None
    attempts: int
    failed: int
    members: Sequence[FailingWebhook]

    @property
    def left_out(self) -> int:
        """Count the webhooks that are not among the members."""
        return self.webhooks - len(self.members)


class Problems(msgspec.Struct, frozen=True, kw_only=True):
    """All that fails, in groups, those first that hold up most."""

    groups: Sequence[ProblemGroup] = ()
    webhooks: int = 0  # all of them, also those of groups that are not here
    orgs: int = 0
    waiting: int = 0

    @property
    def left_out(self) -> int:
        """Count the webhooks whose group is not here."""
        return self.webhooks - sum(group.webhooks for group in self.groups)


class GroupBounds(msgspec.Struct, frozen=True):
    """The most that is named; the rest is counted."""

    groups: int
    of_group: int  # members of each
    members: int  # of all groups together


def group_problems(failing: Iterable[FailingWebhook], now_ms: int, bounds: GroupBounds) -> Problems:
    """Put together what fails for the same reason."""
    by_key: dict[ProblemKey, list[FailingWebhook]] = {}
    for webhook in failing:
        by_key.setdefault(webhook.key, []).append(webhook)
    groups = [_group(key, webhooks, now_ms) for key, webhooks in by_key.items()]
    every = [webhook for webhooks in by_key.values() for webhook in webhooks]
    whole = Problems(
        groups=groups,
        webhooks=len(every),
        orgs=len({webhook.org for webhook in every}),
        waiting=sum(webhook.waiting for webhook in every),
    )
    return _bounded(whole, now_ms, bounds)


def merge_problems(parts: Iterable[Problems], now_ms: int, bounds: GroupBounds) -> Problems:
    """Put together what several cells have found. An org is in one of them."""
    found = list(parts)
    by_key: dict[ProblemKey, list[ProblemGroup]] = {}
    for part in found:
        for group in part.groups:
            by_key.setdefault(group.key, []).append(group)
    whole = Problems(
        groups=[_joined(groups) for groups in by_key.values()],
        webhooks=sum(part.webhooks for part in found),
        orgs=sum(part.orgs for part in found),
        waiting=sum(part.waiting for part in found),
    )
    return _bounded(whole, now_ms, bounds)


def _group(key: ProblemKey, webhooks: Sequence[FailingWebhook], now_ms: int) -> ProblemGroup:
    return ProblemGroup(
        key=key,
        webhooks=len(webhooks),
        orgs=len({webhook.org for webhook in webhooks}),
        waiting=sum(webhook.waiting for webhook in webhooks),
        weight=sum(webhook.weight(now_ms) for webhook in webhooks),
        since_ms=_earliest(webhook.since_ms for webhook in webhooks),
        oldest_ms=_earliest(webhook.oldest_ms for webhook in webhooks),
        attempts=sum(webhook.attempts for webhook in webhooks),
        failed=sum(webhook.failed for webhook in webhooks),
        members=webhooks,
    )


def _joined(groups: Sequence[ProblemGroup]) -> ProblemGroup:
    """Return groups of one key as one."""
    return ProblemGroup(
        key=groups[0].key,
        webhooks=sum(group.webhooks for group in groups),
        orgs=sum(group.orgs for group in groups),
        waiting=sum(group.waiting for group in groups),
        weight=sum(group.weight for group in groups),
        since_ms=_earliest(group.since_ms for group in groups),
        oldest_ms=_earliest(group.oldest_ms for group in groups),
        attempts=sum(group.attempts for group in groups),
        failed=sum(group.failed for group in groups),
        members=[member for group in groups for member in group.members],
    )


def _bounded(whole: Problems, now_ms: int, bounds: GroupBounds) -> Problems:
    """Keep what holds up most."""
    left, kept = bounds.members, []
    for group in sorted(whole.groups, key=_order_of_groups)[: bounds.groups]:
        ordered = sorted(group.members, key=lambda member: _order_of_members(member, now_ms))
        members = ordered[: min(bounds.of_group, left)]
        left -= len(members)
        kept.append(msgspec.structs.replace(group, members=members))
    return msgspec.structs.replace(whole, groups=kept)


def _order_of_groups(group: ProblemGroup) -> tuple[object, ...]:
    key = msgspec.structs.astuple(group.key)
    return (-group.weight, -group.webhooks, _late(group.since_ms), key)


def _order_of_members(member: FailingWebhook, now_ms: int) -> tuple[object, ...]:
    return (-member.weight(now_ms), _late(member.since_ms), member.org, member.id)


def _earliest(times: Iterable[int | None]) -> int | None:
    return min((at_ms for at_ms in times if at_ms is not None), default=None)


def _late(at_ms: int | None) -> int:
    return 1 << 62 if at_ms is None else at_ms


def host_of(url: str) -> str:
    """Return the host of a URL as it is grouped by: in lower case, with its port where that is not
    the usual one, and without whatever names a user. Empty where there is none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    host = f"[{host}]" if ":" in host else host
    is_usual = port is None or port == PORTS.get(parts.scheme)
    return host if is_usual or not host else f"{host}:{port}"


def describe_group(group: ProblemGroup, since: str = "") -> str:
    """Describe a group in a sentence without its end: `14 webhooks of 9 orgs at api.acme.example
    have been refusing connections since 13:30`. `since`: the time as the face writes it; empty:
    the face adds it itself."""
    key, is_one = group.key, group.webhooks == 1
    noun = "action" if key.is_action else "webhook"
    subject = f"{_counted(group.webhooks, noun)} of {_counted(group.orgs, 'org')}"
    place = "" if key.trouble or not key.place else f" {key.place}"
    sentence = f"{subject}{place} {_predicate(group, is_one=is_one)}"
    return f"{sentence} since {since}" if since else sentence


def _predicate(group: ProblemGroup, *, is_one: bool) -> str:
    key, have = group.key, "has" if is_one else "have"
    if key.state is ProblemState.HELD_UP:
        return f"{have} been held up"
    if key.state is ProblemState.UNREAD:
        return f"{have} not been fetched from"
    if key.state is ProblemState.DEGRADED:
        fail, whose = ("fails", "its") if is_one else ("fail", "their")
        why = key.trouble or f"the receiver {does(key.cause)}"
        return f"{fail} {percent(group.failed, group.attempts)} of {whose} attempts: {why}"
    if key.trouble:
        return key.trouble
    return f"{have} {has_done(key.cause)}"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
