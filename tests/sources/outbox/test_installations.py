"""A table is one installation's: another does not take it by the chance of a restart."""

import asyncio

import psycopg
import pytest

from tests.postgres_server import PostgresServer
from tests.sources.conformance.subject import Made
from tests.sources.outbox.subject import MemoryOwners, Outbox
from tidings.connections.port import ConnectionDown
from tidings.core.sources.source import OutboxTable
from tidings.core.sources.table_owner import TableOwner
from tidings.sources.outbox import claim
from tidings.sources.port import Reading

pytestmark = pytest.mark.timeout(60)
OURS, THEIRS = "1f" * 8, "2e" * 8


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim, "LOCK_WAIT_S", 0.3)


class Installation:
    """One of two, each with a store of its own."""

    def __init__(self, outbox: Outbox, id: str) -> None:
        self.outbox, self.id, self.owners = outbox, id, MemoryOwners()

    async def open(self, table: OutboxTable | None = None, **fields: str) -> Reading:
        self.outbox.owners, self.outbox.installation = self.owners, self.id
        return await self.outbox.open(table, **fields)

    async def is_refused(self, by: str) -> None:
        with pytest.raises(ConnectionDown, match=f"(?s)one installation.*{by}.*take-over"):
            await self.open()

    async def takes_over(self) -> Reading:
        await self.owners.put_table_owner(TableOwner(1, takes_over=True))
        return await self.open()


async def test_a_stranger_is_refused_while_the_other_reads_and_while_it_starts_again(
    postgres: PostgresServer,
) -> None:
    outbox = Outbox(postgres)
    ours, theirs = Installation(outbox, OURS), Installation(outbox, THEIRS)
    reading = await ours.open()
    await theirs.is_refused(OURS)
    await reading.close()  # a restart
    await outbox.produce(Made("a", b"1"))
    for _ in range(2):
        await theirs.is_refused(OURS)
    reading = await ours.open()
    assert len(await reading.read()) == 1
    await reading.close()


async def test_a_table_is_taken_over_by_command_also_from_who_reads_it_and_back(
    postgres: PostgresServer,
) -> None:
    outbox = Outbox(postgres)
    ours, theirs = Installation(outbox, OURS), Installation(outbox, THEIRS)
    reading = await ours.open()
    await theirs.is_refused(OURS)
    taken = await theirs.takes_over()
    with pytest.raises(ConnectionDown):
        async with asyncio.timeout(10):
            await reading.read()
    await reading.close()
    await ours.is_refused(THEIRS)
    await outbox.produce(Made("a", b"1"))
    assert len(await taken.read()) == 1
    await taken.acknowledge()
    await taken.close()
    await ours.is_refused(THEIRS)  # what was taken over stays so
    await (await theirs.open()).close()
    back = await ours.takes_over()
    await theirs.is_refused(OURS)
    await back.close()


async def test_a_process_of_the_same_installation_stands_by_and_is_not_remembered(
    postgres: PostgresServer,
) -> None:
    outbox = Outbox(postgres)
    ours = Installation(outbox, OURS)
    reading = await ours.open()
    with pytest.raises(ConnectionDown, match="taken over when it is free"):
        await ours.open()
    assert not ours.owners.kept
    await reading.close()
    await (await ours.open()).close()


async def test_a_tidings_without_an_id_is_waited_for(postgres: PostgresServer) -> None:
    """It is of before there were ids, and may be the process before this one."""
    outbox = Outbox(postgres)
    ours = Installation(outbox, OURS)
    with psycopg.connect(outbox.uri, application_name="tidings", autocommit=True) as older:
        older.execute(
            "SELECT pg_advisory_lock(hashtextextended('tidings outbox public.tidings_outbox', 0))"
        )
        with pytest.raises(ConnectionDown, match="taken over when it is free"):
            await ours.open()
    assert not ours.owners.kept
    await (await ours.open()).close()


async def test_another_table_of_the_source_is_nobody_else_s(postgres: PostgresServer) -> None:
    outbox = Outbox(postgres)
    ours, theirs = Installation(outbox, OURS), Installation(outbox, THEIRS)
    reading = await ours.open()
    await theirs.is_refused(OURS)
    await reading.close()
    outbox.sql("CREATE TABLE other (LIKE tidings_outbox INCLUDING ALL)")
    await (await theirs.open(OutboxTable(table="other"))).close()
    assert not theirs.owners.kept
