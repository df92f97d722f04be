-- Configuration ---------------------------------------------------------------------------------

CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('registry_version', 1), ('clean_stop', 1);

CREATE TABLE org (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, parent INTEGER, time_zone TEXT NOT NULL,
    settings BLOB NOT NULL, created_ms INTEGER NOT NULL
);

CREATE TABLE credential (
    id TEXT PRIMARY KEY, org INTEGER NOT NULL, platform INTEGER NOT NULL, digest BLOB NOT NULL,
    scopes TEXT NOT NULL, created_ms INTEGER NOT NULL, revoked_ms INTEGER
) WITHOUT ROWID;

CREATE TABLE webhook (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, consumer_group TEXT NOT NULL UNIQUE,
    org INTEGER NOT NULL, name TEXT NOT NULL, created_ms INTEGER NOT NULL
);
CREATE TABLE webhook_version (
    webhook INTEGER NOT NULL, version INTEGER NOT NULL, standing TEXT NOT NULL,
    config BLOB NOT NULL, updated_ms INTEGER NOT NULL,
    PRIMARY KEY (webhook, version)
) WITHOUT ROWID;

-- Events ----------------------------------------------------------------------------------------
-- `event` is small, so that feeds scan little; the bytes stand apart, so that they can be dropped
-- earlier. `event_id` answers "was it here before?": 16 bytes of hash over org and id.

CREATE TABLE event (
    seq INTEGER PRIMARY KEY, org INTEGER NOT NULL, name TEXT NOT NULL, id TEXT NOT NULL,
    at_ms INTEGER NOT NULL, warning TEXT, first_delivery INTEGER NOT NULL,
    deliveries INTEGER NOT NULL, terms BLOB NOT NULL
);
CREATE TABLE body (seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE event_id (
    hash BLOB PRIMARY KEY, seq INTEGER NOT NULL, digest BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE rejection (
    id INTEGER PRIMARY KEY, org INTEGER NOT NULL, at_ms INTEGER NOT NULL, name TEXT NOT NULL,
    event_id TEXT NOT NULL, code TEXT NOT NULL, message TEXT NOT NULL, path TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX rejection_org ON rejection (org, id);


-- Deliveries ------------------------------------------------------------------------------------
-- The only truth about unfinished work. `due_ms` is null while an attempt of a retry is in flight.

CREATE TABLE delivery (
    id INTEGER PRIMARY KEY, event INTEGER NOT NULL, webhook INTEGER NOT NULL,
    version INTEGER NOT NULL, state INTEGER NOT NULL, attempts INTEGER NOT NULL,
    due_ms INTEGER, done_ms INTEGER, duration_ms INTEGER, status INTEGER, key INTEGER
);
-- What a lane reads when it is behind, in id order.
CREATE INDEX delivery_pending ON delivery (webhook, id) WHERE state = 0;
-- Due retries of a lane.
CREATE INDEX delivery_due ON delivery (webhook, due_ms) WHERE state = 2;
-- Unfinished deliveries of an ordering key.
CREATE INDEX delivery_key ON delivery (webhook, key, id) WHERE state < 3 AND key IS NOT NULL;
-- What went wrong at a webhook. Its whole log is found by summaries of blocks (blocks.py): an index
-- here would dirty a page for nearly every delivery.
CREATE INDEX delivery_trouble ON delivery (webhook, state, id) WHERE state IN (2, 4, 5, 6);

CREATE TABLE attempt (
    delivery INTEGER NOT NULL, number INTEGER NOT NULL, started_ms INTEGER NOT NULL,
    version INTEGER NOT NULL, duration_ms INTEGER, status INTEGER, kind TEXT, detail TEXT,
    headers BLOB, body BLOB, truncated INTEGER,
    PRIMARY KEY (delivery, number)
) WITHOUT ROWID;
