"""Enrichment with all records in memory: what is asked for, and what every type's events cost."""

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import msgspec

from bench.payload import EVENT_NAME, ID_SLOT, ORG_FIRST
from bench.report import HELD, MISSED, Row
from tests.engine.audit.kept_log import UnkeptLog
from tidings.catalogue import EventType, load
from tidings.catalogue.catalogue import Catalogue
from tidings.catalogue.thin import thin
from tidings.core.delivery.exchange import ReceiverAnswer
from tidings.core.delivery.job import Job
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.exact_json import read_exactly, write_exactly
from tidings.core.ids import DeliveryId, OrgId, WebhookId
from tidings.core.shaping.enrichment import CUSTOMERS, STORES, TILLS, EnrichmentSettings, Key
from tidings.core.shaping.enrichment_plan import Plan
from tidings.core.shaping.reference_rules import KINDS, read_record
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.clock import WallClock
from tidings.engine.shaping.enricher import Enricher
from tidings.engine.shaping.platform import Platform, PlatformOptions
from tidings.engine.shaping.reference import Reference
from tidings.engine.vault import SealedSecret, Vault
from tidings.store import port

ENRICHMENT_US_MAX = 15.0
CUSTOMER, TILL, STORE = "41200777", "5031", "9"
EVERYTHING = EnrichmentSettings(True, True, ("instore", "wechat"), True, True, True)
REFERENCE_ALONE = EnrichmentSettings(True, True, ("instore", "wechat"), True, False, False)
RECORDS: dict[str, dict[str, Any]] = {
    CUSTOMERS: {
        "mobile": "15550100",
        "email": "asha@example.test",
        "externalId": "EXT-41",
        "cardNumbers": ["6000112233"],
        "pointsBalance": 410,
        "sources": {
            "wechat": {
                "accounts": [
                    {
                        "accountId": "b",
                        "identifiers": [{"identifierType": "unionId", "identifierValue": "o-41"}],
                    }
                ]
            }
        },
    },
    TILLS: {"code": "till.01", "name": "Till 1", "storeId": STORE},
    STORES: {"code": "store.01", "name": "Harbour"},
}


class Records:
    """A store that holds reference data, and nothing else."""

    def __init__(self) -> None:
        self.kept: dict[tuple[int, int, str], port.ReferenceRow] = {}

    async def put_reference(
        self, org: int, kind: int, rows: Sequence[port.ReferenceRow]
    ) -> port.ReferenceWrite:
        self.kept |= {(org, kind, row.id): row for row in rows}
        return port.ReferenceWrite(len(rows), 0)

    async def reference(
        self, org: int, kind: int, ids: Sequence[str]
    ) -> Sequence[port.ReferenceRow]:
        return [row for id in ids if (row := self.kept.get((org, kind, id))) is not None]


class Awards:
    """A platform that knows one activity; asked once, its answer is kept."""

    async def get(
        self, path: str, headers: list[tuple[str, str]], deadline_s: float
    ) -> ReceiverAnswer:
        record = {"awardedReferenceIds": {"regularPointsBreakup": ["R-1"]}}
        return ReceiverAnswer(200, (), msgspec.json.encode(record), False, 1.0)

    async def close(self) -> None:
        """Nothing is open."""


async def per_wait(call: Callable[[], Awaitable[object]], calls: int) -> float:
    """Microseconds of a coroutine that is awaited."""
    began = time.perf_counter_ns()
    for _ in range(calls):
        await call()
    return (time.perf_counter_ns() - began) / calls / 1000


class CatalogueTypes:
    """See `EventTypeSource`: those of the catalogue alone."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def event_type_of(self, org: OrgId, event: dict[str, Any]) -> EventType | None:
        """See `EventTypeSource`."""
        return self._catalogue.get(event["eventName"])


async def enricher_over(keys: Iterable[Key]) -> Enricher:
    """An enricher whose reference data are these records, and the store of their tills."""
    reference = Reference(
        store=Records(),  # type: ignore[arg-type]  # of the store it is asked for two things
        vault=Vault({1: SealedSecret(b"k" * 32)}),
        audit=UnkeptLog(),
    )
    for kind, id in (*keys, (STORES, STORE)):
        if kind in RECORDS:
            record = read_record(KINDS[kind], RECORDS[kind])
            await reference.put(OrgId(ORG_FIRST), KINDS[kind], {id: record})
    platform = Platform(Awards(), PlatformOptions(paths={"awards": "/awards/{id}"}), WallClock())
    return Enricher(
        types=CatalogueTypes(load()),
        reference=reference,
        platform=platform,
    )


def a_job(body: bytes) -> Job:
    """The delivery of an event."""
    return Job(DeliveryId(1), 1, OrgId(ORG_FIRST), ID_SLOT, 0, 1, None, False, body)


async def bytes_to_bytes(enricher: Enricher, webhook: Webhook, job: Job) -> bytes:
    """As the shape step does it for a webhook that asks for nothing else."""
    return write_exactly(await enricher.enrich(webhook, job, read_exactly(job.body)))


async def enrichment_of_every_type(runs: int, calls: int) -> Row:
    """The thin form of every type's own example, filled from bytes to bytes, per KB of it."""
    best: dict[str, float] = {}
    for kind in load().kinds():
        event, asked = thin(kind, kind.example), dict[Key, None]()
        plan = Plan(kind.enrichment, EVERYTHING)
        plan.fill(event, lambda kind, id: asked.setdefault((kind, id)))  # noqa: B023  # called here
        if plan.empty or not asked:
            continue
        body = msgspec.json.encode(event)
        enricher = await enricher_over(asked)
        for number in range(runs + 1):  # the first one warms up
            webhook, job = a_webhook(1, EVERYTHING), a_job(body)
            cost = await per_wait(lambda: bytes_to_bytes(enricher, webhook, job), calls)  # noqa: B023
            if number:
                by_kb = cost / max(1.0, len(body) / 1024)
                best[kind.label] = min(best.get(kind.label, by_kb), by_kb)
        assert len(await bytes_to_bytes(enricher, webhook, job)) > len(body), kind.label
    dearest = max(best, key=best.__getitem__)
    return Row(
        "parts",
        f"enrichment of bytes, the dearest of {len(best)} types ({dearest}), µs/KB",
        f"{best[dearest]:.1f}",
        f"< {ENRICHMENT_US_MAX:g}",
        HELD if best[dearest] < ENRICHMENT_US_MAX else MISSED,
    )


def a_webhook(number: int, enrichment: EnrichmentSettings) -> Webhook:
    """A webhook that wants this and nothing else."""
    return Webhook(
        number=number,
        id=WebhookId("a" * 24),
        consumer_group="c",
        org=OrgId(ORG_FIRST),
        version=1,
        name="bench",
        status=WebhookStatus.ACTIVE,
        event_names=frozenset({EVENT_NAME}),
        kind="HTTP",
        url="https://crm.example.com/",
        method="POST",
        headers=(),
        connections_max=1,
        enrichment=enrichment,
        plain=False,
    )
