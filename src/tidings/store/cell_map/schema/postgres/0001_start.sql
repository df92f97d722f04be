-- The map: which cells there are, who owns them, where families are (port/cell_map.py). The names and columns are
-- those of store/cell_map/schema/sqlite. Texts compare by their bytes, whole numbers and flags are bigint.

-- One row for each number that was run.
CREATE TABLE schema_version (number bigint PRIMARY KEY);

-- The counters. Whoever changes the map raises the version first, and so waits for whoever has done so before.
-- `granting`: the incarnation in which ranges may be granted. One row that each change changes: where little of a
-- page may be filled, old versions of it are dropped as soon as a few are there.
CREATE TABLE map_meta (
    id bigint PRIMARY KEY CHECK (id = 1), incarnation text COLLATE "C" NOT NULL, version bigint NOT NULL,
    next_range bigint NOT NULL, granting text COLLATE "C" NOT NULL
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
INSERT INTO map_meta VALUES (1, '1.' || replace(gen_random_uuid()::text, '-', ''), 1, 0, '');
UPDATE map_meta SET granting = incarnation;

-- What each of the newest versions alone has: a map that was restored has other ones. Each change drops a row.
CREATE TABLE map_version (version bigint PRIMARY KEY, stamp bytea NOT NULL) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500
);
INSERT INTO map_version VALUES (1, uuid_send(gen_random_uuid()));

CREATE TABLE cell_entry (
    cell bigint PRIMARY KEY, kind text COLLATE "C" NOT NULL, state bigint NOT NULL, setting text COLLATE "C" NOT NULL,
    sealed bytea NOT NULL, epoch bigint NOT NULL, address text COLLATE "C" NOT NULL, version bigint NOT NULL
);
CREATE TABLE family_place (
    family bigint PRIMARY KEY, cell bigint NOT NULL, number bigint NOT NULL, version bigint NOT NULL
);
CREATE INDEX family_place_by_version ON family_place (version);

-- The ranges of numbers that were granted: from `first` up to the next row, or to the counter.
CREATE TABLE range_grant (first bigint PRIMARY KEY, cell bigint NOT NULL, version bigint NOT NULL);

-- What opens something, by digest: whose it is.
CREATE TABLE directory (
    digest bytea NOT NULL, kind text COLLATE "C" NOT NULL, family bigint NOT NULL, made_ms bigint NOT NULL,
    PRIMARY KEY (digest, kind, family)
);
CREATE INDEX directory_by_family ON directory (family, digest);

-- What is in force over all cells. Without content: it was, and readers are to hear of it.
CREATE TABLE platform_row (
    kind text COLLATE "C" NOT NULL, name text COLLATE "C" NOT NULL, revision bigint NOT NULL, content bytea,
    until_ms bigint, version bigint NOT NULL, PRIMARY KEY (kind, name)
);

-- Few rows that each process changes every few seconds, as `confirmed`'s are.
CREATE TABLE process (
    name text COLLATE "C" PRIMARY KEY, address text COLLATE "C" NOT NULL, beat bigint NOT NULL, takes bigint NOT NULL,
    files bytea NOT NULL, claims bytea NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

-- Up to which version the owner of a cell follows the map.
CREATE TABLE confirmed (
    cell bigint PRIMARY KEY, epoch bigint NOT NULL, incarnation text COLLATE "C" NOT NULL, version bigint NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
