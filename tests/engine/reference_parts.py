"""A reference service over a real store in memory, and a platform that answers as it is told."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from tests.api.control_client import Clock
from tests.engine.audit.kept_log import UnkeptLog
from tests.store.in_process import MemoryStore
from tidings.core.delivery.exchange import Ending, ReceiverAnswer
from tidings.core.delivery.job import Job
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import DeliveryId, OrgId, WebhookId
from tidings.core.shaping.enrichment import EnrichmentSettings
from tidings.core.shaping.record import EnrichmentRecord
from tidings.core.shaping.reference_rules import RecordKind, read_record
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.shaping.reference import Reference
from tidings.engine.vault import SealedSecret, Vault
from tidings.store import port

ORG = OrgId(1)


class CountingStore(MemoryStore):
    """Counts what is asked, and can hold answers back until it is told to let them go."""

    def __init__(self) -> None:
        super().__init__(Clock())
        self.questions: list[list[str]] = []
        self.gate: asyncio.Event | None = None

    async def reference(self, org: OrgId, kind: int, ids: Sequence[str]) -> Any:
        self.questions.append(list(ids))
        rows = await super().reference(org, kind, ids)
        if self.gate is not None:
            await self.gate.wait()  # what was read is old by now
        return rows


def reference_over(store: MemoryStore, **options: Any) -> Reference:
    """The service, with a key of its own."""
    return Reference(
        store=store, vault=Vault({1: SealedSecret(b"k" * 32)}), audit=UnkeptLog(), **options
    )


async def keep(
    reference: Reference, kind: RecordKind, id: str, org: int = ORG, **fields: Any
) -> None:
    """Put one record."""
    await reference.put(OrgId(org), kind, {id: read_record(kind, fields)})


def known(**fields: Any) -> EnrichmentRecord:
    """A record as it is found."""
    return EnrichmentRecord(msgspec.json.encode(fields))


def a_webhook(**wishes: Any) -> Webhook:
    """A webhook with these wishes."""
    return Webhook(
        number=1,
        id=WebhookId("a" * 24),
        consumer_group="c",
        org=ORG,
        version=1,
        name="crm",
        status=WebhookStatus.ACTIVE,
        event_names=frozenset({"pointsIssued"}),
        kind="HTTP",
        url="https://crm.example.com/",
        method="POST",
        headers=(),
        connections_max=1,
        enrichment=EnrichmentSettings(**wishes),
    )


def a_job(accepted_ms: int = 0, org: int = ORG) -> Job:
    """A job whose event was accepted at this time."""
    return Job(DeliveryId(1), 1, OrgId(org), "e", accepted_ms, 1, None, False, b"")


def ok(**record: Any) -> ReceiverAnswer:
    """An answer of the platform."""
    return ReceiverAnswer(200, (), msgspec.json.encode(record), False, 1.0)


class FakeOrigin:
    """`egress.port.Origin` whose answers are told; each is an ending, or a future of one."""

    def __init__(self, *answers: "Ending | asyncio.Future[Ending]") -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, list[tuple[str, str]]]] = []
        self.closed = False
        self.is_asked = asyncio.Event()

    async def get(self, path: str, headers: list[tuple[str, str]], deadline_s: float) -> Ending:
        self.asked.append((path, headers))
        self.is_asked.set()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer if isinstance(answer, asyncio.Future) else answer

    async def close(self) -> None:
        self.closed = True


NewRow = port.ReferenceRow
