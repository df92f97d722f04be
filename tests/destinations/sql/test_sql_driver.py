"""Rows in a real table: written once, changed by what is newer, whatever they are and whatever
their names are; and what is said where they are not."""

import asyncio
import os
import random
import signal
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

from tests.destinations.messages import TestMessage
from tests.destinations.sql.bench import body_of, columns, sql_hook
from tests.destinations.sql.crm import STATE, STATE_DDL, Crm, message
from tests.postgres_server import shared_server
from tidings.core.delivery.advice import PastAttempt, what_happened, what_to_do
from tidings.core.delivery.exchange import (
    AttemptResult,
    DeliveryVerdict,
    FaultKind,
    ReceiverAnswer,
    TransportFault,
)
from tidings.core.delivery.retry_policy import RetryPolicy
from tidings.core.ids import OrgId
from tidings.core.picks import Pick
from tidings.core.webhooks.targets.sql_table import SqlTable
from tidings.destinations.port import Channel


async def sent(channel: Channel, *messages: TestMessage) -> list[AttemptResult]:
    results = [await channel.send(message) for message in messages]
    assert all(results)
    return [result for result in results if isinstance(result, AttemptResult)]


def words(result: AttemptResult) -> str:
    return result.ending.detail


def status(result: AttemptResult) -> int:
    assert isinstance(result.ending, ReceiverAnswer), result.ending
    return result.ending.status


async def test_a_row_is_inserted_once_however_often_it_comes() -> None:
    crm = Crm(
        "CREATE TABLE log (id text UNIQUE, body jsonb)",
        tables={"log": {"columns": ["body"], "id": "id"}},
    )
    async with crm.opened("log", columns(body="a")) as channel:
        one, again, two = await sent(
            channel,
            message("m1", b'{"a":{"x":1}}'),
            message("m1", b'{"a":{"x":1}}'),
            message("m2", b'{"a":"text"}'),
        )
    assert [status(one), status(again), status(two)] == [201, 200, 201]
    assert crm.sql("SELECT id, body FROM log ORDER BY id") == [("m1", {"x": 1}), ("m2", "text")]


async def test_a_row_is_changed_only_by_what_is_newer() -> None:
    crm = Crm(STATE_DDL, tables={"state": STATE})

    def event(id: str, at: int, tier: str) -> TestMessage:
        return message(id, body_of(customer=7, at=at, tier=tier))

    async with crm.opened("state", columns(customer="customer", tier="tier", at="at")) as channel:
        results = await sent(
            channel,
            event("a", 10, "iron"),
            event("c", 30, "gold"),
            event("b", 20, "silver"),  # late
            event("d", 30, "platinum"),  # as new
            event("d", 30, "platinum"),  # and once more
            event("a", 10, "iron"),
        )
    assert [status(result) for result in results] == [201, 201, 200, 201, 200, 200]
    assert crm.sql("SELECT tier, points, event, at FROM state") == [("platinum", None, "d", 30)]


async def test_a_column_that_a_webhook_does_not_set_is_left_as_it_is() -> None:
    crm = Crm(
        STATE_DDL,
        "INSERT INTO state VALUES (7, 'iron', 10.50, NULL, NULL)",
        tables={"state": STATE},
    )
    async with crm.opened("state", columns(customer="c", tier="t", at="at")) as channel:
        await sent(channel, message("a", body_of(c=7, t="gold", at=1)))
    [(tier, points)] = crm.sql("SELECT tier, points::text FROM state")
    assert (tier, points) == ("gold", "10.50"), "and what had no time was older"


async def test_a_table_of_a_key_alone_takes_each_key_once() -> None:
    crm = Crm(
        "CREATE TABLE seen (org int, customer text, PRIMARY KEY (org, customer))",
        tables={"seen": {"columns": ["org", "customer"], "key": ["org", "customer"]}},
    )
    async with crm.opened("seen") as channel:
        results = await sent(
            channel, *(message(f"m{n}", body_of(org=1, customer="a")) for n in range(2))
        )
    assert [status(result) for result in results] == [201, 200]


VALUES = (
    ("numeric", b"10.50", "10.50"),
    ("numeric", b"12345678901234567890123456789.0123456789", None),
    ("numeric", b"1e3", "1000"),
    ("bigint", b"9223372036854775807", None),
    ("int", b'"17"', "17"),
    ("float8", b"0.1", None),
    ("text", b"10.50", None),
    ("text", b"true", None),
    ("text", b'"a\\"b\'c\\\\ \\u00e4 \\n"', "a\"b'c\\ ä \n"),
    ("text", b'{"a": 1.0}', None),
    ("text", b'"\'; DROP TABLE v; --"', "'; DROP TABLE v; --"),
    ("boolean", b"true", "true"),
    ("json", b'{"b": 1.0,  "a":[]}', None),
    ("json", b'"text"', '"text"'),
    ("jsonb", b'"text"', '"text"'),
    ("jsonb", b'{"a":1.50}', '{"a": 1.50}'),
    ("text[]", b'["a,b","c"]', '{"a,b",c}'),
    ("int[]", b"[[1,2],[3,4]]", "{{1,2},{3,4}}"),
    ("timestamptz", b'"2026-02-11T10:15:00.412+01:00"', "2026-02-11 09:15:00.412+00"),
    ("timestamptz", b'"2026-02-11T10:15:00"', "2026-02-11 10:15:00+00"),
    ("date", b'"2026-02-11"', "2026-02-11"),
    ("uuid", b'"0e37df36-f698-11e6-8dd4-cb9ced3df976"', "0e37df36-f698-11e6-8dd4-cb9ced3df976"),
    ("inet", b'"10.0.0.1"', "10.0.0.1/32"),
    ("text", b"null", "-"),
    ("jsonb", b"null", "-"),
)


@pytest.fixture(scope="module")
def values() -> Crm:
    kinds = sorted({kind for kind, _, _ in VALUES})
    named = [f"v{n}" for n in range(len(kinds))]
    ddl = ", ".join(f"{name} {kind}" for name, kind in zip(named, kinds, strict=True))
    return Crm(
        "ALTER ROLE CURRENT_USER SET TimeZone = 'Asia/Tokyo'",
        f"CREATE TABLE v (id text PRIMARY KEY, {ddl})",
        tables={"v": {"columns": named, "id": "id"}},
    )


@pytest.mark.parametrize(("kind", "value", "stored"), VALUES)
async def test_the_server_reads_a_value_as_what_its_column_is(
    values: Crm, kind: str, value: bytes, stored: str | None
) -> None:
    name = f"v{sorted({kind for kind, _, _ in VALUES}).index(kind)}"
    id = f"{kind} {value!r}"
    async with values.opened("v", columns(**{name: "a"})) as channel:
        [result] = await sent(channel, message(id, b'{"a":' + value + b"}"))
    assert status(result) == 201, words(result)
    [(found,)] = values.sql(
        f"SELECT coalesce({name}::text, '-') FROM v WHERE id = '%s'" % id.replace("'", "''")
    ) or [("",)]
    assert found == (value.decode() if stored is None else stored)


@pytest.mark.parametrize(
    ("kind", "value", "state", "said"),
    [
        ("int", b"12345678901", "22003", "out of range"),
        ("numeric", b"1e400000", "22003", ""),
        ("int", b'"x"', "22P02", 'invalid input syntax for type integer: "x"'),
        ("int", b"{}", "22P02", ""),
        ("text", b'"a\\u0000b"', "22P05", ""),
        ("varchar(3)", b'"abcd"', "22001", "too long"),
        ("timestamptz", b"1770801300412", "22008", ""),
        ("int NOT NULL", b"null", "23502", "not-null"),
        ("int CHECK (a > 5)", b"1", "23514", "check constraint"),
        ("int REFERENCES others", b"1", "23503", "foreign key"),
        ("text UNIQUE", b'"there"', "23505", "unique"),
    ],
)
async def test_a_value_that_no_column_takes_is_refused_for_good_in_words(
    kind: str, value: bytes, state: str, said: str
) -> None:
    crm = Crm(
        "CREATE TABLE others (id int PRIMARY KEY)",
        f"CREATE TABLE t (id text PRIMARY KEY, a {kind})",
        tables={"t": {"columns": ["a"], "id": "id"}},
    )
    if "UNIQUE" in kind:
        crm.sql("INSERT INTO t VALUES ('old', 'there')")
    async with crm.opened("t", columns(a="a")) as channel:
        [result] = await sent(channel, message("m1", b'{"a":' + value + b"}"))
    assert result.verdict is DeliveryVerdict.NEVER and status(result) == 422
    assert (
        isinstance(result.ending, ReceiverAnswer) and ("sqlstate", state) in result.ending.headers
    )
    assert said in words(result) and words(result).startswith("The table t must take the row; ")
    assert said in result.ending.body.decode()
    assert "DETAIL" not in words(result) and "there)" not in words(result)


BEYOND = [
    ("bigint", b"9223372036854775808", True),
    ("int", b"1e308", True),
    ("float8", b"1e400", True),
    ("float4", b"1e300", True),
    ("numeric", b"1e400000", True),
    ("numeric(5,2)", b"1000", True),
    ("numeric", b"9" * 4300, None),
    ("date", b'"5874898-01-01"', True),
    ("timestamptz", b'"294277-01-01T00:00:00Z"', True),
    ("timestamptz", b'"2026-13-01"', True),
    ("interval", b'"999999999999 years"', True),
    ("text", b'"a\\u0000b"', True),
    ("json", b'{"deep":["a\\u0000b"]}', None),
    ("jsonb", b'{"deep":["a\\u0000b"]}', None),
    ("int", b'"x"', False),
    ("varchar(3)", b'"abcd"', False),
    ("uuid", b'"no"', False),
]


@pytest.mark.parametrize(("kind", "value", "spares"), BEYOND)
async def test_a_value_beyond_its_column_names_it_and_is_not_charged_to_the_table(
    kind: str, value: bytes, spares: bool | None
) -> None:
    crm = Crm(
        f"CREATE TABLE t (id text PRIMARY KEY, fine int, a {kind}, more text)",
        tables={"t": {"columns": ["fine", "a", "more"], "id": "id"}},
    )
    async with crm.opened("t", columns(fine="fine", a="a", more="more")) as channel:
        body = b'{"fine":1,"more":"x","a":' + value + b"}"
        [beyond, fine] = await sent(channel, message("m1", body), message("m2", b'{"fine":2}'))
    assert status(fine) == 201, "the next one goes, over the same line"
    if beyond.verdict is DeliveryVerdict.DELIVERED:
        assert spares is None  # the server can hold it
        return
    assert beyond.verdict is DeliveryVerdict.NEVER and "(column a)" in words(beyond)
    if spares is not None:
        assert beyond.spares_receiver == spares


HUGE = (b"1e308", b"1" * 401, b"1" * 5001, b"-1e308", b'"NaN"', b"9.3e15")


@pytest.mark.parametrize("conversion", ["", "text", "number", "seconds", "isoTime", "timestamp"])
@pytest.mark.parametrize(
    "value", [b"1e308", b"1" * 401, b"1" * 5001, b"-1e308", b'"NaN"', b"9.3e15"]
)
async def test_no_number_raises_whatever_is_made_of_it(value: bytes, conversion: str) -> None:
    crm = Crm(
        "CREATE TABLE t (id text PRIMARY KEY, a text)",
        tables={"t": {"columns": ["a"], "id": "id"}},
    )
    picks = {"a": Pick(path="data.at", conversion=conversion)}
    async with crm.opened("t", picks) as channel:
        [result] = await sent(channel, message("m1", b'{"data":{"at":' + value + b"}}"))
    assert result.verdict in (DeliveryVerdict.NEVER, DeliveryVerdict.DELIVERED)
    if isinstance(result.ending, TransportFault):
        assert result.ending.kind is FaultKind.TRANSFORM
        assert result.ending.detail.startswith(("a must be ", "data.at must be "))


async def test_a_webhook_may_have_refusals_tried_again() -> None:
    crm = Crm(
        "CREATE TABLE t (id text PRIMARY KEY, a int)",
        tables={"t": {"columns": ["a"], "id": "id"}},
    )
    policy = RetryPolicy(retry_also=frozenset({422}))
    async with crm.opened("t", columns(a="a"), retry=policy) as channel:
        [result] = await sent(channel, message("m1", b'{"a":"x"}'))
    assert result.verdict is DeliveryVerdict.AGAIN


NAMES = ('quo"ted', "sin'gle", "select", "Upper", "a b", "per%cent", "$1", "ä", "back\\slash", "t")


async def test_names_are_names_whatever_is_in_them() -> None:
    table, key, id = 'or"der; DROP TABLE "victim', 'k"e%y', 'i"d'
    listed = ", ".join(_quoted(name) + " text" for name in NAMES)
    crm = Crm(
        "CREATE TABLE victim (a int)",
        f'CREATE SCHEMA "sch""ema"; CREATE TABLE "sch""ema".{_quoted(table)} '
        f"({_quoted(key)} text PRIMARY KEY, {listed}, at int, {_quoted(id)} text)",
        tables={
            f'sch"ema.{table}': {
                "columns": [key, *NAMES, "at"],
                "key": [key],
                "id": id,
                "newer": "at",
            }
        },
    )
    body = body_of(**{key: 'it\'s "so" %s $1 \\', "at": 1}, **{name: name for name in NAMES})
    async with crm.opened(f'sch"ema.{table}') as channel:
        results = await sent(channel, message("m1", body), message("m2", body))
    assert [status(result) for result in results] == [201, 201]
    [row] = crm.sql(f'SELECT * FROM "sch""ema".{_quoted(table)}')
    assert row == ('it\'s "so" %s $1 \\', *NAMES, 1, "m2")
    assert crm.sql("SELECT count(*) FROM victim") == [(0,)]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


async def test_large_and_deep_values_arrive_or_are_refused_for_good() -> None:
    crm = Crm(
        "CREATE TABLE t (id text PRIMARY KEY, a json, b text)",
        "CREATE INDEX ON t (b)",
        tables={"t": {"columns": ["a", "b"], "id": "id"}},
    )
    text = "x" * (1 << 20)
    depth = 900
    noise = random.Random(1).randbytes(10_000).hex()
    async with crm.opened("t", columns(a="a", b="b")) as channel:
        results = await sent(
            channel,
            message("m1", body_of(a=text)),
            message("m2", b'{"a":' + b"[" * depth + b"]" * depth + b"}"),
            message("m3", body_of(b=noise)),
        )
    assert [status(result) for result in results] == [201, 201, 413]
    assert results[2].verdict is DeliveryVerdict.NEVER
    assert crm.sql("SELECT length(a::text) FROM t ORDER BY id") == [(len(text) + 2,), (2 * depth,)]


async def test_a_table_that_is_replaced_meanwhile_is_written_as_it_is_then() -> None:
    crm = Crm(
        "CREATE TABLE t (id text PRIMARY KEY, a int)",
        tables={"t": {"columns": ["a"], "id": "id"}},
    )
    async with crm.opened("t", columns(a="a")) as channel:
        await sent(channel, *(message(f"m{n}", b'{"a":1}') for n in range(10)))
        crm.sql("DROP TABLE t")
        [gone] = await sent(channel, message("n0", b'{"a":1}'))
        assert (gone.verdict, status(gone)) == (DeliveryVerdict.AGAIN, 404)
        crm.sql("CREATE TABLE t (id text PRIMARY KEY)")
        [bare] = await sent(channel, message("n1", b'{"a":"text"}'))
        assert (bare.verdict, status(bare)) == (DeliveryVerdict.AGAIN, 500)
        crm.sql("ALTER TABLE t ADD a text")
        [mended] = await sent(channel, message("n2", b'{"a":"text"}'))
        assert status(mended) == 201
        crm.sql("ALTER TABLE t ALTER a TYPE jsonb USING to_jsonb(a)")
        [changed] = await sent(channel, message("n3", b'{"a":{"b":1}}'))
        assert status(changed) == 201
    assert crm.sql("SELECT id, a FROM t ORDER BY id") == [("n2", "text"), ("n3", {"b": 1})]


async def test_what_the_operator_has_to_mend_is_tried_again_and_names_no_user() -> None:
    crm = Crm(
        "CREATE TABLE bare (id text, a int)",
        "CREATE TABLE own (id text PRIMARY KEY, a int)",
        "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'weak') THEN "
        "CREATE ROLE weak LOGIN; END IF; END $$",
        "GRANT INSERT ON bare TO weak",
        tables={element: {"columns": ["a"], "id": "id"} for element in ("bare", "own")},
        user="weak",
    )
    shared_server().admit("local all weak trust")
    for table, code in (("bare", 500), ("own", 403)):
        async with crm.opened(table, columns(a="a")) as channel:
            [result] = await sent(channel, message("m1", b'{"a":1}'))
        assert (result.verdict, status(result)) in {
            (DeliveryVerdict.AGAIN, code),
            (DeliveryVerdict.AGAIN, 403),
        }
        assert "operator" in words(result) and "weak" not in words(result)


async def test_functions_of_others_in_the_search_path_are_not_called() -> None:
    crm = Crm(
        "CREATE TABLE public.t (id text PRIMARY KEY, a int)",
        "CREATE SCHEMA evil",
        "CREATE FUNCTION evil.json_populate_record(anyelement, json) RETURNS anyelement "
        "LANGUAGE sql AS 'SELECT $1'",
        "CREATE DOMAIN evil.json AS text CHECK (false)",
        tables={"public.t": {"columns": ["a"], "id": "id"}},
    )
    database = crm.uri.partition("?")[0].rpartition("/")[2]
    crm.sql(f"ALTER DATABASE {database} SET search_path = evil, pg_catalog, public")
    async with crm.opened("public.t", columns(a="a")) as channel:
        await sent(channel, message("m1", b'{"a":1}'))
    assert crm.sql("SELECT a FROM public.t") == [(1,)]


async def test_a_test_leaves_no_row_and_says_whether_it_would_have_gone() -> None:
    crm = Crm(
        "CREATE TABLE parent (id int PRIMARY KEY)",
        "CREATE TABLE t (id text PRIMARY KEY, "
        "a int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)",
        "INSERT INTO parent VALUES (1)",
        tables={"t": {"columns": ["a"], "id": "id"}},
    )
    async with crm.opened("t", columns(a="a")) as channel:
        fine, wrong = await sent(
            channel,
            message("m1", b'{"a":1}', trial=True),
            message("m2", b'{"a":2}', trial=True),
        )
        held = message("m3", b'{"a":1}', trial=True, may=lambda: False)
        assert await channel.send(held) is None
        [real] = await sent(channel, message("m1", b'{"a":1}'))
    assert (status(fine), status(wrong), status(real)) == (201, 422, 201)
    assert "taken back" in words(fine)
    assert crm.sql("SELECT id FROM t") == [("m1",)]


async def test_a_line_that_broke_while_it_was_idle_is_replaced_unseen() -> None:
    crm = Crm(STATE_DDL, tables={"state": STATE})
    async with crm.opened("state") as channel:
        await sent(channel, message("a", body_of(customer=1, at=1)))
        crm.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
            "AND datname = current_database()"
        )
        await asyncio.sleep(0.05)
        [after] = await sent(channel, message("b", body_of(customer=1, at=2)))
    assert status(after) == 201


async def test_a_line_that_breaks_under_a_statement_is_not_used_again() -> None:
    crm = Crm(STATE_DDL, tables={"state": STATE})
    async with crm.opened("state") as channel:
        with psycopg.connect(crm.uri) as locks:
            locks.execute("LOCK TABLE state")
            sending = asyncio.create_task(channel.send(message("a", body_of(customer=1, at=1))))
            while not crm.sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE wait_event_type = 'Lock' AND datname = current_database()"
            ):
                await asyncio.sleep(0.02)
            result = await sending
        assert isinstance(result, AttemptResult) and result.verdict is DeliveryVerdict.AGAIN
        [after] = await sent(channel, message("a", body_of(customer=1, at=1)))
    assert status(after) == 201


async def test_a_statement_that_is_given_up_ends_at_the_server_too() -> None:
    crm = Crm(STATE_DDL, tables={"state": STATE})
    async with crm.opened("state") as channel:
        with psycopg.connect(crm.uri) as locks:
            locks.execute("LOCK TABLE state")
            [late] = await sent(channel, message("a", body_of(customer=1, at=1), deadline_s=0.3))
            assert isinstance(late.ending, TransportFault) and late.ending.kind is FaultKind.TIMEOUT
            sending = asyncio.create_task(channel.send(message("b", body_of(customer=1, at=2))))
            await asyncio.sleep(0.1)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            async with asyncio.timeout(60):
                while crm.sql(waits):
                    await asyncio.sleep(0.02)
        assert crm.sql("SELECT * FROM state") == []


async def test_a_line_whose_server_is_frozen_costs_the_deadline_and_no_more() -> None:
    crm = Crm(STATE_DDL, tables={"state": STATE})
    async with crm.opened("state") as channel:
        await sent(channel, message("a", body_of(customer=1, at=1), deadline_s=1.0))
        [(pid,)] = crm.sql(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'tidings' "
            "AND datname = current_database()"
        )
        os.kill(pid, signal.SIGSTOP)
        try:
            late, after = await sent(
                channel,
                message("b", body_of(customer=1, at=2), deadline_s=1.0),
                message("b", body_of(customer=1, at=2)),
            )
        finally:
            os.kill(pid, signal.SIGCONT)
    assert isinstance(late.ending, TransportFault) and late.ending.kind is FaultKind.TIMEOUT
    assert late.ending.sent and late.ending.duration_ms < 5000
    assert status(after) == 201
    assert crm.lines() == 0


async def test_webhooks_share_the_lines_of_a_connection_and_let_go_of_them() -> None:
    crm = Crm(STATE_DDL, tables={"state": STATE}, connections_max=3)
    channels = [crm.open("state", connections_max=8) for _ in range(2)]
    counts: list[int] = []

    async def watch() -> None:
        while True:
            counts.append(await asyncio.to_thread(crm.lines))

    async with asyncio.timeout(60):
        results = [await channels[0].send(message("first", body_of(customer=99, at=1)))]
        watching = asyncio.create_task(watch())
        while len(counts) < 5:  # to count takes longer than to send, at times
            round_of = [body_of(customer=n, at=len(results)) for n in range(60)]
            results += await asyncio.gather(
                *(
                    channels[n % 2].send(message(f"m{len(results)}.{n}", body))
                    for n, body in enumerate(round_of)
                )
            )
    watching.cancel()
    assert all(
        isinstance(result, AttemptResult) and result.verdict is DeliveryVerdict.DELIVERED
        for result in results
    )
    assert 0 < max(counts) <= 3
    for channel in channels:
        await channel.close()
    async with asyncio.timeout(60):  # a backend ends a moment after its line, the watcher's too
        while await asyncio.to_thread(crm.lines):
            await asyncio.sleep(0.02)


async def test_a_webhook_for_which_no_line_is_free_is_not_charged_for_it() -> None:
    crm = Crm(STATE_DDL, tables={"state": STATE}, connections_max=1)
    async with crm.opened("state") as slow, crm.opened("state") as other:
        with psycopg.connect(crm.uri) as locks:
            locks.execute("LOCK TABLE state")
            sending = asyncio.create_task(slow.send(message("a", body_of(customer=1, at=1))))
            while not await asyncio.to_thread(crm.waiting):  # it has the one line
                await asyncio.sleep(0.02)
            [crowded] = await sent(other, message("b", body_of(customer=2, at=1), deadline_s=0.2))
        await sending
    assert isinstance(crowded.ending, TransportFault) and crowded.ending.kind is FaultKind.OURS


UNREACHED: Sequence[tuple[dict[str, Any], FaultKind]] = (
    ({"dsn": "postgresql://127.0.0.1:1/x"}, FaultKind.REFUSED),
    ({"dsn": "postgresql://no-such-host.invalid/x"}, FaultKind.DNS),
    ({"host": "/nowhere", "dbname": "x"}, FaultKind.REFUSED),
    ({"dbname": "secretdb"}, FaultKind.OURS),
    ({"user": "secretuser"}, FaultKind.OURS),
    ({"dsn": "host=secret \\ 'x"}, FaultKind.OURS),
)


@pytest.mark.parametrize(("fields", "kind"), UNREACHED)
async def test_a_database_that_is_not_reached_is_told_by_its_cause_and_without_its_place(
    fields: dict[str, Any], kind: FaultKind
) -> None:
    crm = Crm(tables={"state": STATE}, **fields)
    async with crm.opened("state") as channel:
        [result] = await sent(channel, message("a", body_of(customer=1, at=1)))
    assert result.verdict is DeliveryVerdict.AGAIN and isinstance(result.ending, TransportFault)
    assert (result.ending.kind, result.ending.sent) == (kind, False)
    for secret in ("127.0.0.1", "no-such-host", "/nowhere", "secret", "postgres"):
        assert secret not in words(result)


async def test_a_table_that_is_not_declared_any_more_is_the_webhooks_alone() -> None:
    crm = Crm(STATE_DDL, tables={"state": STATE})
    async with crm.opened("other") as channel:
        [result] = await sent(channel, message("a", b"{}"))
    assert isinstance(result.ending, TransportFault) and result.ending.kind is FaultKind.POLICY
    assert not result.unusable, "others have theirs"
    assert "The table must be one that is declared" in words(result)


async def test_a_row_is_shown_as_it_went() -> None:
    crm = Crm(STATE_DDL, tables={"state": STATE})
    webhook = sql_hook(SqlTable("state", columns(customer="a", at="b", points="c")))
    shown = crm.driver.show(
        webhook,
        [("webhook-id", "m1"), ("webhook-signature", "v1,x")],
        b'{"a":1,"b":2,"c":10.50}',
        None,
    )
    assert shown.method == "UPSERT" and shown.headers == [("webhook-id", "m1")]
    assert shown.body == b'{"customer":1,"at":2,"points":10.50,"event":"m1"}'
    assert crm.driver.carried(webhook) == []


async def test_why_no_row_can_be_made_of_a_message_is_told_in_words_that_its_page_shows() -> None:
    async with Crm(STATE_DDL, tables={"state": STATE}).opened("state") as channel:
        result = await channel.send(message("m", b'{"nothing": "of it"}'))
    assert isinstance(result, AttemptResult) and result.verdict is DeliveryVerdict.NEVER
    assert isinstance(result.ending, TransportFault) and result.ending.kind is FaultKind.TRANSFORM
    tried = PastAttempt(None, result.ending.kind, result.ending.detail, 0)
    assert "must have a value" in what_happened(tried) and "Correct" in what_to_do(tried)


async def test_orgs_that_share_a_table_change_rows_of_their_own_alone() -> None:
    crm = Crm(
        "CREATE TABLE state (org bigint, customer bigint, tier text, event text, "
        "PRIMARY KEY (org, customer))",
        "CREATE TABLE log (org bigint, id text, body jsonb, UNIQUE (org, id))",
        tables={
            "state": {
                "columns": ["org", "customer", "tier"],
                "key": ["org", "customer"],
                "org": "org",
                "id": "event",
            },
            "log": {"columns": ["body"], "id": "id", "org": "org"},
        },
    )
    for org, tier in ((1, "gold"), (12, "blue"), (1, "none")):
        body = b'{"org": 12, "customer": 7, "tier": "%b"}' % tier.encode()
        async with crm.opened("state", org=OrgId(org)) as channel:
            [result] = await sent(channel, message(f"m-{org}-{tier}", body))
            assert status(result) == 201
        async with crm.opened("log", columns(body="tier"), org=OrgId(org)) as channel:
            [result] = await sent(channel, message("m1", body))
            assert status(result) == (200 if tier == "none" else 201)
    assert crm.sql("SELECT * FROM state ORDER BY org") == [
        (1, 7, "none", "m-1-none"), (12, 7, "blue", "m-12-blue"),
    ]  # fmt: skip
    assert crm.sql("SELECT org, id, body FROM log ORDER BY org") == [
        (1, "m1", "gold"), (12, "m1", "blue"),
    ]  # fmt: skip
