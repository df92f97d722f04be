-- A copy of the store into another one (`tidings store copy`): which side of which copy this store is. No row:
-- of none, and it may start. A store whose row says that it was left, or is not whole, starts no more.
CREATE TABLE store_copy (
    id INTEGER PRIMARY KEY CHECK (id = 1), copy TEXT NOT NULL, side TEXT NOT NULL, other TEXT NOT NULL,
    options TEXT NOT NULL
);
-- How far a copy into this store has come: the key of the last row of each table, null before the first.
CREATE TABLE copy_progress (name TEXT PRIMARY KEY, last BLOB, ended INTEGER NOT NULL) WITHOUT ROWID;

-- Keys that were derived from the master key of the store that this one was copied from, sealed with the key
-- of this one. Search terms, ordering keys and the audit log hold what was made with them.
CREATE TABLE kept_key (purpose TEXT PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;
