"""Test messages of alert channels: sent at once, within bounds, and shown with their answer."""

from tidings.core.alerts.answers import AlertResult
from tidings.core.alerts.incident import OpenIncident
from tidings.core.alerts.plan import AlertAct, AlertMessage
from tidings.core.audit.audit_actions import ALERT_CHANNEL_TESTED
from tidings.core.ids import OrgId, WebhookId
from tidings.core.shares.budget import SharedBudget
from tidings.core.shares.token_bucket import TokenBucket
from tidings.engine.alerts.carrier import AlertCarrier
from tidings.engine.alerts.channels import LiveChannel
from tidings.engine.alerts.sender import AlertSender
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.clock import Clock
from tidings.engine.delivery.trial import TooSoon

NAME = "Test of the alert channel"
RATE_PER_S = 1.0  # of an org
UNDER_WAY_MAX = 16  # of the process; an org has as many as it leaves to others
ORGS_MAX = 10_000


class AlertTests:
    """Sends test messages, and returns what the other side has answered."""

    def __init__(
        self, carrier: AlertCarrier, sender: AlertSender, audit: AuditLog, clock: Clock
    ) -> None:
        self._carrier = carrier
        self._sender = sender
        self._audit = audit
        self._clock = clock
        self._buckets: dict[OrgId, TokenBucket] = {}
        self._under_way = SharedBudget[OrgId](UNDER_WAY_MAX)

    async def send(self, channel: LiveChannel) -> AlertResult:
        """Send a test message now: an incident that opens, and at once ends where a channel keeps
        what is open. Raise TooSoon; StoreDown: nothing was sent, for the audit log could not take
        it."""
        self._admit(channel.org)
        try:
            return await self._send(channel)
        finally:
            self._under_way.give(channel.org)

    async def _send(self, channel: LiveChannel) -> AlertResult:
        await self._audit.append(ALERT_CHANNEL_TESTED, channel.org, channel.id)
        now_ms = self._clock.now_ms()
        incident = OpenIncident(
            id=f"test-{channel.id}-{now_ms}",
            org=channel.org,
            webhook=WebhookId(""),
            name=NAME,
            kind="test",
            opened_ms=now_ms,
        )
        result: AlertResult | None = None
        for act in (AlertAct.OPENED, AlertAct.ENDED):
            message = AlertMessage(act, incident.id, incidents=[incident], at_ms=now_ms)
            result = await self._carrier.carry(channel, message)
            if result is None or not result.is_taken or not channel.settings.keeps_open:
                break
        if result is None:
            return AlertResult("Nothing has left: this process no longer owns the store")
        self._sender.note_test(channel, result)
        return result

    def _admit(self, org: OrgId) -> None:
        """Count one that is under way, until it is given back. Raise TooSoon."""
        bucket = self._buckets.get(org)
        if bucket is None:
            if len(self._buckets) >= ORGS_MAX:
                self._buckets.clear()
            bucket = self._buckets[org] = TokenBucket(RATE_PER_S)
        now_s = self._clock.now_ms() / 1000
        if not self._under_way.admits(org):
            raise TooSoon(1.0)
        if not bucket.take(now_s):
            raise TooSoon(bucket.wait_s(now_s))
        self._under_way.charge(org, 1)
