-- The map: which cells there are, who owns them, where families are (port/cell_map.py). The names and columns are
-- those of store/cell_map/schema/postgres.

-- The counters. Whoever changes the map raises the version first, and so waits for whoever has done so before.
-- `granting`: the incarnation in which ranges may be granted.
CREATE TABLE map_meta (
    id INTEGER PRIMARY KEY CHECK (id = 1), incarnation TEXT NOT NULL, version INTEGER NOT NULL,
    next_range INTEGER NOT NULL, granting TEXT NOT NULL
);
INSERT INTO map_meta VALUES (1, '1.' || lower(hex(randomblob(16))), 1, 0, '');
UPDATE map_meta SET granting = incarnation;

-- What each of the newest versions alone has: a map that was restored has other ones.
CREATE TABLE map_version (version INTEGER PRIMARY KEY, stamp BLOB NOT NULL);
INSERT INTO map_version VALUES (1, randomblob(16));

CREATE TABLE cell_entry (
    cell INTEGER PRIMARY KEY, kind TEXT NOT NULL, state INTEGER NOT NULL, setting TEXT NOT NULL, sealed BLOB NOT NULL,
    epoch INTEGER NOT NULL, address TEXT NOT NULL, version INTEGER NOT NULL
);
CREATE TABLE family_place (
    family INTEGER PRIMARY KEY, cell INTEGER NOT NULL, number INTEGER NOT NULL, version INTEGER NOT NULL
);
CREATE INDEX family_place_by_version ON family_place (version);

-- The ranges of numbers that were granted: from `first` up to the next row, or to the counter.
CREATE TABLE range_grant (first INTEGER PRIMARY KEY, cell INTEGER NOT NULL, version INTEGER NOT NULL);

-- What opens something, by digest: whose it is.
CREATE TABLE directory (
    digest BLOB NOT NULL, kind TEXT NOT NULL, family INTEGER NOT NULL, made_ms INTEGER NOT NULL,
    PRIMARY KEY (digest, kind, family)
) WITHOUT ROWID;
CREATE INDEX directory_by_family ON directory (family, digest);

-- What is in force over all cells. Without content: it was, and readers are to hear of it.
CREATE TABLE platform_row (
    kind TEXT NOT NULL, name TEXT NOT NULL, revision INTEGER NOT NULL, content BLOB, until_ms INTEGER,
    version INTEGER NOT NULL, PRIMARY KEY (kind, name)
) WITHOUT ROWID;

CREATE TABLE process (
    name TEXT PRIMARY KEY, address TEXT NOT NULL, beat INTEGER NOT NULL, takes INTEGER NOT NULL, files BLOB NOT NULL,
    claims BLOB NOT NULL
) WITHOUT ROWID;

-- Up to which version the owner of a cell follows the map.
CREATE TABLE confirmed (
    cell INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, incarnation TEXT NOT NULL, version INTEGER NOT NULL
);
