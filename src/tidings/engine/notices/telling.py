"""Who tells whom: what happens to webhooks and their deliveries becomes operational events."""

from functools import partial

import structlog

from tidings.core.delivery.health import FIRST
from tidings.core.notices.facts import DISABLED, FAILING, RECOVERED, disabled, failing, recovered
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.clock import Clock
from tidings.engine.engine import Engine
from tidings.engine.notices.notices import Notices
from tidings.engine.webhooks.records import Record
from tidings.engine.webhooks.webhooks import Webhooks
from tidings.store import port

log = structlog.get_logger("tidings.telling")


def connect(notices: Notices, engine: Engine, webhooks: Webhooks, clock: Clock) -> None:
    """From now on the owners of webhooks are told."""

    def on_failing(webhook: Webhook, health: port.Health) -> None:
        since_ms = health.failing_since_ms or clock.now_ms()
        until_ms = engine.healths.ends_ms(health)
        percent = 0 if health.told == FIRST else health.told
        fact = failing(webhook, percent, since_ms, until_ms, health.failures, health.cause)
        notices.tell(FAILING, webhook.org, fact, partial(engine.healths.told, webhook.number))

    def on_recovered(webhook: Webhook, health: port.Health) -> None:
        now_ms = clock.now_ms()
        since_ms = health.failing_since_ms or now_ms
        fact = recovered(webhook, since_ms, now_ms)
        notices.tell(RECOVERED, webhook.org, fact, partial(engine.healths.told, webhook.number))

    def on_disabled(record: Record, parked: int) -> None:
        webhook = record.webhook
        health = engine.healths.of(webhook.number)
        since_ms = None if health is None else health.failing_since_ms
        fact = disabled(webhook, record.config.reason or "It was disabled.", parked, since_ms)
        done = partial(webhooks.told, webhook.number, webhook.version)
        notices.tell(DISABLED, webhook.org, fact, done)
        log.warning(
            "a webhook is disabled", webhook=webhook.id, parked=parked, reason=record.config.reason
        )

    engine.on_failing = on_failing
    engine.on_recovered = on_recovered
    engine.on_ended_badly = notices.ended
    engine.healths.on_parked = notices.parked
    webhooks.on_disabled = on_disabled
