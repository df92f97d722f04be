"""Statements in SQLite's words as PostgreSQL's: each rule, without a server."""

import pytest

from tidings.store.postgres.batches import batch_of, insert_new_of, waves
from tidings.store.postgres.catalogue import CatalogueTable
from tidings.store.postgres.statements import Parameter, Untranslatable, translate

TABLES = {
    "delivery": CatalogueTable(
        {"id": "bigint", "webhook": "bigint", "state": "bigint", "due_ms": "bigint"}, [("id",)]
    ),
    "cell": CatalogueTable({"block": "bigint", "webhook": "bigint", "kinds": "text"}),
    "event": CatalogueTable({"seq": "bigint", "name": "text", "terms": "bytea"}, [("seq",)]),
    "letter": CatalogueTable(
        {"id": "text", "tries": "bigint", "rate": "double precision"}, [("id",)]
    ),
    "touched": CatalogueTable(
        {"mark": "bigint", "block": "bigint"},
        [("mark",), ("block",)],
        {"mark": "nextval('touched_mark')"},
    ),
    "inbox": CatalogueTable(
        {"number": "bigint", "name": "text", "used_ms": "bigint"},
        [("number",)],
        {"number": "nextval('inbox_number')"},
    ),
    "kept_back": CatalogueTable({"kind": "bigint", "seq": "bigint"}, [("kind", "seq")]),
    "source_place": CatalogueTable({"topic": "text", "offset": "bigint"}, [("topic",)]),
}

TRANSLATED = {
    # places
    "SELECT a FROM t WHERE b = ? AND c = ?": "SELECT a FROM t WHERE b = $1 AND c = $2",
    "SELECT ?2, ?1, ?2": "SELECT $1, $2, $1",
    "SELECT ?2, ?": "SELECT $1, $2",  # as SQLite counts: the second is ?3
    "SELECT :to, :from, :to": "SELECT $1, $2, $1",
    "SELECT '?', ':a', ':\\''', \"a?\", a /* */": "SELECT '?', ':a', ':\\''', \"a?\", a /* */",
    "SELECT 1 -- why?\nFROM t": "SELECT 1 FROM t",
    "SELECT 1e5, 1.5, a.*, n7 FROM t": "SELECT 1e5, 1.5, a.*, n7 FROM t",
    # hints
    "SELECT 1 FROM t INDEXED BY t_a WHERE a = 1": "SELECT 1 FROM t WHERE a = 1",
    "SELECT 1 FROM t x NOT INDEXED WHERE a NOT IN (1)": "SELECT 1 FROM t x WHERE a NOT IN (1)",
    "SELECT 1 FROM a CROSS JOIN b ON b.x = a.x CROSS JOIN c WHERE 1 = 1": (
        "SELECT 1 FROM a JOIN b ON b.x = a.x CROSS JOIN c WHERE 1 = 1"
    ),
    "SELECT 1 FROM a CROSS JOIN (SELECT 2 AS x FROM d CROSS JOIN e) b ON b.x = a.x": (
        "SELECT 1 FROM a JOIN (SELECT 2 AS x FROM d CROSS JOIN e) b ON b.x = a.x"
    ),
    "SELECT 1 FROM a WHERE a.x IN (SELECT 1 FROM b CROSS JOIN c)": (
        "SELECT 1 FROM a WHERE a.x IN (SELECT 1 FROM b CROSS JOIN c)"
    ),
    # INSERT OR …
    "INSERT OR IGNORE INTO kept_back (kind, seq) VALUES (?, ?)": (
        "INSERT INTO kept_back (kind, seq) VALUES ($1, $2) ON CONFLICT DO NOTHING"
    ),
    "INSERT OR REPLACE INTO kept_back (kind, seq) VALUES (?, ?)": (
        "INSERT INTO kept_back (kind, seq) VALUES ($1, $2) ON CONFLICT (kind, seq) DO NOTHING"
    ),
    "INSERT OR REPLACE INTO letter (id, tries) VALUES (?, 1) RETURNING tries": (
        "INSERT INTO letter (id, tries) VALUES ($1, 1) ON CONFLICT (id) DO UPDATE SET"
        " tries = excluded.tries, rate = DEFAULT RETURNING tries"
    ),
    "INSERT OR REPLACE INTO touched (block) VALUES (?)": (
        "INSERT INTO touched (block) VALUES ($1) ON CONFLICT (block) DO UPDATE SET mark = DEFAULT"
    ),
    "INSERT OR REPLACE INTO inbox (name) VALUES (?)": "INSERT INTO inbox (name) VALUES ($1)",
    "INSERT OR IGNORE INTO letter (id, tries) SELECT ?1, state FROM delivery d"
    " JOIN event e ON e.seq = d.id WHERE d.id = ?1": (
        "INSERT INTO letter (id, tries) SELECT $1, state FROM delivery d"
        " JOIN event e ON e.seq = d.id WHERE d.id = $1 ON CONFLICT DO NOTHING"
    ),
    # a number that is missing
    "INSERT INTO inbox (number, name) VALUES (?, ?) ON CONFLICT (number) DO UPDATE SET"
    " name = excluded.name RETURNING number": (
        "INSERT INTO inbox (number, name) VALUES (coalesce($1, nextval('inbox_number')), $2)"
        " ON CONFLICT (number) DO UPDATE SET name = excluded.name RETURNING number"
    ),
    # lists in JSON
    "SELECT 1 FROM delivery d WHERE d.webhook IN (SELECT value FROM json_each(:webhooks))": (
        "SELECT 1 FROM delivery d WHERE d.webhook = ANY ($1::bigint[])"
    ),
    "DELETE FROM letter WHERE tries = ? AND id NOT IN (SELECT value FROM json_each(?))": (
        "DELETE FROM letter WHERE tries = $1 AND id <> ALL ($2::text[])"
    ),
    "SELECT 1 FROM json_each(?) j CROSS JOIN delivery d ON d.id = j.value": (
        "SELECT 1 FROM unnest($1::bigint[]) AS j (value) JOIN delivery d ON d.id = j.value"
    ),
    # patterns
    "SELECT 1 FROM cell c WHERE c.kinds GLOB :pattern": (
        "SELECT 1 FROM cell c WHERE c.kinds ~ glob($1)"
    ),
    "SELECT 1 FROM event e WHERE EXISTS"
    " (SELECT 1 FROM json_each(:globs) g WHERE e.name GLOB g.value)": (
        "SELECT 1 FROM event e WHERE EXISTS"
        " (SELECT 1 FROM unnest($1::text[]) AS g (value) WHERE e.name ~ glob(g.value))"
    ),
    # words
    "SELECT group_concat(hex(s.late), ''), json_array(a, b) FROM s": (
        "SELECT string_agg(hex(s.late), ''), json_build_array(a, b) FROM s"
    ),
    "SELECT CAST(a AS INTEGER), CAST(b AS BLOB), CAST(c AS REAL), CAST(d AS TEXT), x'00fF'": (
        "SELECT CAST(a AS bigint), CAST(b AS bytea), CAST(c AS double precision),"
        " CAST(d AS TEXT), '\\x00fF'::bytea"
    ),
    "SELECT coalesce(min(a), 1 << 62), b >> 12 FROM t": (
        "SELECT coalesce(min(a), 1::bigint << 62), b >> 12 FROM t"
    ),
    # names that PostgreSQL takes for its own words
    "SELECT p.offset, offset FROM source_place p LIMIT ? OFFSET ?": (
        'SELECT p."offset", "offset" FROM source_place p LIMIT $1 OFFSET $2'
    ),
    "INSERT INTO source_place (topic, offset) VALUES (?, ?) ON CONFLICT (topic) DO UPDATE"
    " SET offset = excluded.offset": (
        'INSERT INTO source_place (topic, "offset") VALUES ($1, $2) ON CONFLICT (topic) DO UPDATE'
        ' SET "offset" = excluded."offset"'
    ),
    # subqueries without a name
    "SELECT min(a) FROM (SELECT a FROM t) WHERE a > 1": (
        "SELECT min(a) FROM (SELECT a FROM t) AS sub1 WHERE a > 1"
    ),
    "SELECT 1 FROM (SELECT a FROM (SELECT a FROM t)) x": (
        "SELECT 1 FROM (SELECT a FROM (SELECT a FROM t) AS sub1) x"
    ),
    # what both know
    "WITH w (id) AS MATERIALIZED (SELECT 1) SELECT count(*) FILTER (WHERE a = ?) FROM w": (
        "WITH w (id) AS MATERIALIZED (SELECT 1) SELECT count(*) FILTER (WHERE a = $1) FROM w"
    ),
    "UPDATE delivery SET due_ms = NULL WHERE id = ? RETURNING state": (
        "UPDATE delivery SET due_ms = NULL WHERE id = $1 RETURNING state"
    ),
}


@pytest.mark.parametrize("statement", TRANSLATED)
def test_a_statement_is_translated(statement: str) -> None:
    assert translate(statement, TABLES).text == TRANSLATED[statement]


def test_values_are_named_by_place_or_name() -> None:
    def sources(statement: str) -> list[int | str]:
        return [parameter.source for parameter in translate(statement, TABLES).parameters]

    assert sources("SELECT ?2, ?1, ?2") == [1, 0]
    assert sources("SELECT ?, ?") == [0, 1]
    assert sources("SELECT :to, :from, :to") == ["to", "from"]


def test_values_have_the_types_of_their_columns_where_these_are_plain() -> None:
    def types(statement: str) -> list[str]:
        return [parameter.type for parameter in translate(statement, TABLES).parameters]

    assert types("INSERT INTO letter (id, tries, rate) VALUES (?, ?, ?)") == [
        "text",
        "bigint",
        "double precision",
    ]
    assert types("INSERT INTO inbox (number) VALUES (?)") == ["bigint"]
    assert types("UPDATE delivery SET due_ms = ? WHERE ? < id") == ["bigint", "bigint"]
    assert types("SELECT 1 FROM delivery d JOIN letter l ON l.tries = d.id WHERE id = ?") == [""]
    assert types("SELECT 1 FROM delivery d JOIN letter l ON l.tries = d.id WHERE l.id = ?") == [
        "text"
    ]


def test_a_list_says_of_what_it_is() -> None:
    [one] = translate(
        "SELECT 1 FROM event WHERE name IN (SELECT value FROM json_each(:names))", TABLES
    ).parameters
    assert one == Parameter("names", elements="text")


def test_a_list_that_is_compared_with_nothing_known_is_refused() -> None:
    with pytest.raises(Untranslatable, match="no known type"):
        translate("SELECT value FROM json_each(?)", TABLES)


@pytest.mark.parametrize(
    ("statement", "writes", "returns"),
    [
        ("SELECT 1", False, True),
        ("DELETE FROM letter", True, False),
        ("DELETE FROM letter RETURNING id", True, True),
        ("INSERT INTO letter (id) VALUES (?)", True, False),
        ("CREATE INDEX IF NOT EXISTS a ON letter (id)", False, True),
    ],
)
def test_a_statement_says_what_it_does(statement: str, writes: bool, returns: bool) -> None:
    found = translate(statement, TABLES)
    assert (found.writes, found.returns) == (writes, returns)


BATCHES = {
    "INSERT INTO delivery (id, webhook, state) VALUES (?, ?, 0)": (
        "INSERT INTO delivery (id, webhook, state) SELECT batch.v1, batch.v2, 0"
        " FROM unnest($1::bigint[], $2::bigint[]) AS batch (v1, v2)",
        (),
    ),
    "INSERT INTO letter (id, tries) VALUES (?, ?) ON CONFLICT (id) DO UPDATE"
    " SET tries = excluded.tries": (
        "INSERT INTO letter (id, tries) SELECT batch.v1, batch.v2"
        " FROM unnest($1::text[], $2::bigint[]) AS batch (v1, v2)"
        " ON CONFLICT (id) DO UPDATE SET tries = excluded.tries",
        (0,),
    ),
    "INSERT OR REPLACE INTO touched (block) VALUES (?)": (
        "INSERT INTO touched (block) SELECT batch.v1 FROM unnest($1::bigint[]) AS batch (v1)"
        " ON CONFLICT (block) DO UPDATE SET mark = DEFAULT",
        (0,),
    ),
    "INSERT OR IGNORE INTO kept_back (kind, seq) VALUES (?, ?)": (
        "INSERT INTO kept_back (kind, seq) SELECT batch.v1, batch.v2"
        " FROM unnest($1::bigint[], $2::bigint[]) AS batch (v1, v2) ON CONFLICT DO NOTHING",
        (),
    ),
    "INSERT INTO letter (id, tries) SELECT ?1, state FROM delivery WHERE id = ?2": (
        "INSERT INTO letter (id, tries) SELECT made.* FROM unnest($1::text[], $2::bigint[])"
        " AS batch (v1, v2) CROSS JOIN LATERAL"
        " (SELECT batch.v1, state FROM delivery WHERE id = batch.v2) AS made (c1, c2)",
        (),
    ),
    "UPDATE delivery SET state = ?, due_ms = ? WHERE id = ? AND (state = 0 OR state = 2)": (
        "UPDATE delivery SET state = batch.v1, due_ms = batch.v2"
        " FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS batch (v1, v2, v3)"
        " WHERE id = batch.v3 AND (state = 0 OR state = 2)",
        (2,),
    ),
    "UPDATE delivery SET due_ms = ?2 - 1 WHERE id = ?1 AND due_ms = ?2": (
        "UPDATE delivery SET due_ms = batch.v1 - 1"
        " FROM unnest($1::bigint[], $2::bigint[]) AS batch (v1, v2)"
        " WHERE id = batch.v2 AND due_ms = batch.v1",
        (1,),
    ),
    "DELETE FROM kept_back WHERE kind = ? AND seq = ?": (
        "DELETE FROM kept_back USING unnest($1::bigint[], $2::bigint[]) AS batch (v1, v2)"
        " WHERE kind = batch.v1 AND seq = batch.v2",
        (),
    ),
    "DELETE FROM letter WHERE id = ?1 AND EXISTS (SELECT 1 FROM event WHERE name = ?1)": (
        "DELETE FROM letter USING unnest($1::text[]) AS batch (v1)"
        " WHERE id = batch.v1 AND EXISTS (SELECT 1 FROM event WHERE name = batch.v1)",
        (),
    ),
}


@pytest.mark.parametrize("statement", BATCHES)
def test_a_statement_for_many_rows_is_one(statement: str) -> None:
    batch = batch_of(statement, TABLES)
    assert batch is not None
    assert (batch.text, batch.key) == BATCHES[statement]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1 FROM letter WHERE id = ?",
        "DELETE FROM letter",
        "DELETE FROM letter WHERE id < ?",  # all of them would be looked at, for each
        "DELETE FROM letter WHERE id = ? OR tries = ?",
        "UPDATE delivery SET state = ?",
        "UPDATE delivery SET state = state + ? WHERE id = ?",  # of a type that is not plain to see
        "UPDATE delivery SET state = ? WHERE state = ?",  # the next would find what it changes
        "UPDATE delivery SET state = 1 WHERE id = ? AND EXISTS (SELECT 1 FROM delivery)",
        "INSERT INTO letter (id, tries) SELECT ?, count(*) FROM letter",
        "INSERT INTO letter (id, tries) VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET tries = ?",
        "INSERT INTO letter (id) VALUES (?), (?)",
        "INSERT INTO unknown (id) VALUES (?)",
    ],
)
def test_what_would_mean_something_else_is_no_batch(statement: str) -> None:
    assert batch_of(statement, TABLES) is None


def test_new_rows_return_their_keys() -> None:
    batch = insert_new_of("INSERT INTO event (seq, name) VALUES (?, ?)", TABLES)
    assert batch is not None
    assert batch.text.endswith("AS batch (v1, v2) ON CONFLICT DO NOTHING RETURNING seq")


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO touched (mark, block) VALUES (?, ?)",  # two keys
        "INSERT INTO cell (block) VALUES (?)",  # none
        "INSERT OR IGNORE INTO event (seq) VALUES (?)",
    ],
)
def test_new_rows_of_what_has_not_one_key_go_another_way(statement: str) -> None:
    assert insert_new_of(statement, TABLES) is None


def test_rows_of_the_same_key_are_parted_in_their_order() -> None:
    assert [*waves("abcabad")] == [[0, 1, 2, 6], [3, 4], [5]]
    assert [*waves("abc")] == [[0, 1, 2]]
