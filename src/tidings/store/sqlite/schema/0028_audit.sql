-- The audit log: a chain of entries per org, and one of the platform (0). `mac` seals an entry and, by the one
-- before it, all that came earlier; its key is not in the database.

CREATE TABLE audit (
    chain INTEGER NOT NULL, number INTEGER NOT NULL, at_ms INTEGER NOT NULL, actor_kind TEXT NOT NULL,
    actor TEXT NOT NULL, actor_name TEXT NOT NULL, face TEXT NOT NULL, address TEXT NOT NULL,
    behalf TEXT NOT NULL, action TEXT NOT NULL, object_kind TEXT NOT NULL, object TEXT NOT NULL,
    before BLOB, after BLOB, times INTEGER NOT NULL, mac BLOB NOT NULL
);
CREATE UNIQUE INDEX audit_number ON audit (chain, number);
-- Each is asked for by name: a question walks the one that leads it furthest.
CREATE INDEX audit_object ON audit (chain, object, number);
CREATE INDEX audit_kind ON audit (chain, object_kind, number);
CREATE INDEX audit_action ON audit (chain, action, number);
CREATE INDEX audit_actor ON audit (chain, actor, number);
CREATE INDEX audit_time ON audit (chain, at_ms, number);

-- The newest entry of each chain, behind which the next one stands, and up to which it is in an anchor.
CREATE TABLE audit_chain (
    chain INTEGER PRIMARY KEY, number INTEGER NOT NULL, mac BLOB NOT NULL, anchored INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX audit_grown ON audit_chain (chain) WHERE number > anchored;

-- What the chains were each hour, of those that had grown. Each holds the seal of the anchor before it.
CREATE TABLE audit_anchor (
    number INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, heads BLOB NOT NULL, previous BLOB NOT NULL, mac BLOB NOT NULL
);
