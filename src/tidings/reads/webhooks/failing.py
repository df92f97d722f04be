"""What fails over all orgs of this cell, or at one of them, with what waits for it."""

import asyncio
from typing import Any, Protocol

from tidings.core.actions.act_words import cannot
from tidings.core.delivery.receivers.judgement import Condition, HealthState
from tidings.core.delivery.receivers.problem_groups import (
    FailingWebhook,
    GroupBounds,
    ProblemGroup,
    ProblemKey,
    Problems,
    ProblemState,
    describe_group,
    group_problems,
    host_of,
)
from tidings.core.ids import OrgId
from tidings.core.times import iso
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.actions.actions import ActionServices
from tidings.engine.clock import Clock
from tidings.engine.orgs import Orgs
from tidings.engine.services.delivery import DeliveryServices
from tidings.engine.webhooks.judgements import WebhookJudgement
from tidings.reads.webhooks.backlog import WebhookBacklog, backlogs_now, oldest_due
from tidings.reads.webhooks.incidents import show_acknowledged
from tidings.store import port

LOOKED_AT_MAX = 5_000  # failing webhooks of a cell whose backlogs are counted; the rest is counted
TURN = 500  # webhooks that are judged at a time
IN_ANSWER = GroupBounds(groups=200, of_group=200, members=1_000)
ON_PAGE = GroupBounds(groups=50, of_group=50, members=200)


class FailingParts(Protocol):
    """Services that know what fails."""

    @property
    def store(self) -> port.TotalsStore:
        """Return the store that counts deliveries."""

    @property
    def clock(self) -> Clock:
        """The time."""

    @property
    def orgs(self) -> Orgs:
        """Return the orgs."""

    @property
    def actions(self) -> ActionServices:
        """Return the actions of the file."""

    @property
    def delivery(self) -> DeliveryServices:
        """Services of deliveries: how receivers do."""


async def find_problems(
    parts: FailingParts, org: OrgId | None, bounds: GroupBounds = IN_ANSWER
) -> Problems:
    """Find what fails of an org's webhooks, or, without one, of all orgs of this cell."""
    unwell = []
    for at, (webhook, judged) in enumerate(parts.delivery.judgements.unwell()):
        if at % TURN == TURN - 1:
            await asyncio.sleep(0)  # where all is down, deliveries have their turns all the same
        if org is None or webhook.org == org:
            unwell.append((webhook, judged))
    unwell.sort(key=lambda pair: pair[0].number)
    looked_at = [webhook.number for webhook, _ in unwell[:LOOKED_AT_MAX]]
    lefts = await backlogs_now(parts.store, parts.clock, looked_at)
    oldest = await oldest_due(parts.store, looked_at)
    beyond = len(unwell) - len(looked_at)
    failing = [
        _failing(parts, webhook, judged, left, oldest_ms)
        for (webhook, judged), left, oldest_ms in zip(
            unwell,
            [*lefts, *[WebhookBacklog({})] * beyond],
            [*oldest, *[None] * beyond],
            strict=True,
        )
    ]
    return group_problems(failing, parts.clock.now_ms(), bounds)


def _failing(
    parts: FailingParts,
    webhook: Webhook,
    judged: WebhookJudgement,
    left: WebhookBacklog,
    oldest_ms: int | None,
) -> FailingWebhook:
    known, health = parts.orgs.get(webhook.org), judged.health
    incident = next(iter(parts.delivery.incidents.of(webhook.number)), None)
    share = None if health is None else health.share
    is_partial = judged.state is HealthState.DEGRADED
    return FailingWebhook(
        org=webhook.org,
        org_name="" if known is None else known.name,
        id=webhook.id,
        version=webhook.version,
        name=webhook.name,
        key=key_of(parts, webhook, judged),
        since_ms=judged.since_ms if judged.hold is None else judged.hold.since_ms,
        waiting=left.untimed,
        oldest_ms=oldest_ms,
        attempts=share.attempts if share is not None and is_partial else 0,
        failed=share.failed if share is not None and is_partial else 0,
        acknowledged_ms=None if incident is None else incident.acknowledged_ms,
        acknowledged_by="" if incident is None else incident.acknowledged_by,
        note="" if incident is None else incident.note,
    )


def key_of(parts: FailingParts, webhook: Webhook, judged: WebhookJudgement) -> ProblemKey:
    """Build the reason why a webhook does not do well."""
    acts = webhook.type.acts
    if judged.condition is Condition.HELD_UP and judged.hold is not None:
        return ProblemKey(
            state=ProblemState.HELD_UP,
            connection=judged.hold.connection,
            is_action=acts,
            detail=judged.hold.why,
        )
    if judged.state is HealthState.UNREAD:
        return ProblemKey(state=ProblemState.UNREAD)
    health = judged.health
    if health is None:  # an action that lacks something
        return ProblemKey(
            state=ProblemState.FAILING,
            is_action=acts,
            trouble="cannot look up what is needed",
            detail=" ".join(judged.troubles),
        )
    is_partial = judged.state is HealthState.DEGRADED
    state = ProblemState.DEGRADED if is_partial else ProblemState.FAILING
    action = parts.actions.of(webhook.org).get(webhook.name) if acts else None
    return ProblemKey(
        state=state,
        host="" if webhook.connection or acts else host_of(webhook.url),
        connection=webhook.connection,
        cause=health.cause,
        is_action=acts,
        trouble=cannot(None if action is None else action.act, health.cause) if acts else "",
    )


def show_problems(problems: Problems) -> dict[str, Any]:
    """Show what fails as the API answers it."""
    return {
        "webHooks": problems.webhooks,
        "orgs": problems.orgs,
        "waiting": problems.waiting,
        "groups": [_show_group(group) for group in problems.groups],
        "webHooksOfOtherGroups": problems.left_out,
    }


def _show_group(group: ProblemGroup) -> dict[str, Any]:
    key = group.key
    since = iso(group.since_ms)
    return {
        "sentence": f"{describe_group(group, since or '')}.",
        "detail": key.detail or None,
        "state": key.state,
        "host": key.host or None,
        "connection": key.connection or None,
        "cause": key.cause or None,
        "action": key.is_action,
        "webHooks": group.webhooks,
        "orgs": group.orgs,
        "waiting": group.waiting,
        "failingSince": since,
        "oldestWaitingSince": iso(group.oldest_ms),
        "members": [_show_member(member) for member in group.members],
        "membersLeftOut": group.left_out,
    }


def _show_member(member: FailingWebhook) -> dict[str, Any]:
    return {
        "orgId": member.org,
        "orgName": member.org_name,
        "webHookId": member.id,
        "version": member.version,
        "name": member.name,
        "state": member.key.state,
        "failingSince": iso(member.since_ms),
        "waiting": member.waiting,
        "oldestWaitingSince": iso(member.oldest_ms),
        "acknowledged": show_acknowledged(
            member.acknowledged_ms, member.acknowledged_by, member.note
        ),
    }
