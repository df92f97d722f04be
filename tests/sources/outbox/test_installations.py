"""A table is one installation's: another does not take it by the chance of a restart."""

import asyncio

import psycopg
import pytest

from tests.docs.outbox_page import GRANTS
from tests.postgres_server import PostgresServer
from tests.sources.conformance.subject import Made
from tests.sources.outbox.subject import MemoryOwners, Outbox
from tidings.connections.port import ConnectionDown
from tidings.core.sources.source import OutboxTable
from tidings.core.sources.table_owner import TableOwner
from tidings.sources.outbox import claim
from tidings.sources.port import OpenSource

OURS, THEIRS = "1f" * 8, "2e" * 8


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever stands by does not wait for long."""
    monkeypatch.setattr(claim, "LOCK_WAIT_S", 0.3)


class Installation:
    """One of two, each with a store of its own."""

    def __init__(self, outbox: Outbox, id: str) -> None:
        self.outbox, self.id, self.owners = outbox, id, MemoryOwners()

    async def open(self, table: OutboxTable | None = None, **fields: str) -> OpenSource:
        self.outbox.owners, self.outbox.installation = self.owners, self.id
        return await self.outbox.open(table, **fields)

    async def is_refused(self, by: str) -> None:
        with pytest.raises(ConnectionDown, match=f"(?s)one installation.*{by}.*take-over"):
            await self.open()

    async def takes_over(self) -> OpenSource:
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
        async with asyncio.timeout(60):
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


@pytest.mark.usefixtures("quick")
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


@pytest.mark.usefixtures("quick")
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


async def test_a_stranger_who_comes_while_the_reader_is_gone_is_refused_until_it_lets_go(
    postgres: PostgresServer,
) -> None:
    """It has never met the reader, which crashed; what that one kept comes to it, and once."""
    outbox = Outbox(postgres)
    ours, theirs = Installation(outbox, OURS), Installation(outbox, THEIRS)
    await outbox.produce(Made("a", b"1"), Made("b", b"2"))
    reading = await ours.open()
    assert len(await reading.read()) == 2
    await reading.close()  # kept here, and not marked: a crash
    await theirs.is_refused(OURS)
    reading = await ours.open()
    await reading.let_go(all_acknowledged=False)  # two rows wait, of which it may have kept some
    await reading.close()
    await theirs.is_refused(OURS)
    reading = await ours.open()
    assert len(await reading.read()) == 2
    await reading.acknowledge()
    await outbox.produce(Made("c", b"3"))  # of nobody yet
    await reading.let_go(all_acknowledged=True)
    await reading.close()
    taken = await theirs.open()
    assert [message.body for message in await taken.read()] == [b"3"]
    await ours.is_refused(THEIRS)
    await taken.close()
    await ours.is_refused(THEIRS)


async def test_who_has_let_go_goes_on_where_nobody_has_come_meanwhile(
    postgres: PostgresServer,
) -> None:
    outbox = Outbox(postgres)
    ours, theirs = Installation(outbox, OURS), Installation(outbox, THEIRS)
    reading = await ours.open()
    await theirs.is_refused(OURS)
    await reading.let_go(all_acknowledged=False)  # nothing waits
    await reading.close()
    reading = await ours.open()
    await theirs.is_refused(OURS)
    await reading.close()
    await theirs.is_refused(OURS)


async def test_a_table_that_is_taken_over_from_a_crashed_reader_stays_so(
    postgres: PostgresServer,
) -> None:
    outbox = Outbox(postgres)
    ours, theirs = Installation(outbox, OURS), Installation(outbox, THEIRS)
    await (await ours.open()).close()
    await theirs.is_refused(OURS)
    await (await theirs.takes_over()).close()
    await ours.is_refused(THEIRS)
    await (await theirs.open()).close()


@pytest.mark.parametrize("made_by", ["nobody", "somebody else"])
async def test_where_there_is_no_table_for_it_the_command_alone_lets_in(
    postgres: PostgresServer, made_by: str
) -> None:
    outbox = Outbox(postgres)
    ours, theirs = Installation(outbox, OURS), Installation(outbox, THEIRS)
    outbox.sql("DROP TABLE tidings_outbox_reader")
    if made_by == "somebody else":
        outbox.sql("CREATE TABLE tidings_outbox_reader (name text)")
    reading = await ours.open()
    await theirs.is_refused(OURS)
    await reading.let_go(all_acknowledged=True)
    await reading.close()
    await theirs.is_refused(OURS)
    await (await theirs.takes_over()).close()


async def test_a_mark_that_may_not_be_set_is_told(postgres: PostgresServer) -> None:
    outbox = Outbox(postgres)
    outbox.sql("CREATE ROLE marks LOGIN")
    try:
        outbox.sql(GRANTS.replace("TO tidings", "TO marks"))
        outbox.sql("REVOKE INSERT ON tidings_outbox_reader FROM marks")
        with pytest.raises(ConnectionDown, match="GRANT SELECT, INSERT, UPDATE"):
            await Installation(outbox, OURS).open(user="marks")
    finally:
        outbox.sql("DROP OWNED BY marks; DROP ROLE marks")
