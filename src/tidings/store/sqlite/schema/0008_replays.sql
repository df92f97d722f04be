-- Replays ---------------------------------------------------------------------------------------
-- A job's row holds its cursor: it moves in the transaction that makes the job's deliveries.

CREATE TABLE replay (
    number INTEGER PRIMARY KEY AUTOINCREMENT, org INTEGER NOT NULL, kind TEXT NOT NULL,
    state TEXT NOT NULL, spec BLOB NOT NULL, rate REAL NOT NULL, hold INTEGER NOT NULL,
    by TEXT NOT NULL, reason TEXT NOT NULL, cursor INTEGER NOT NULL, counted_to INTEGER NOT NULL,
    counted INTEGER NOT NULL, total INTEGER, made INTEGER NOT NULL, under_way INTEGER NOT NULL,
    had INTEGER NOT NULL, no_body INTEGER NOT NULL, delivered INTEGER NOT NULL,
    failed INTEGER NOT NULL, parked INTEGER NOT NULL, cancelled INTEGER NOT NULL,
    created_ms INTEGER NOT NULL, started_ms INTEGER, ended_ms INTEGER, closed INTEGER NOT NULL
);
CREATE INDEX replay_org ON replay (org, number);
CREATE INDEX replay_open ON replay (number) WHERE closed = 0;

-- The events that a job was given by name, in order, many to a row: 8 bytes of sequence number and
-- 4 of webhook each.
CREATE TABLE replay_list (
    replay INTEGER NOT NULL, last INTEGER NOT NULL, entries BLOB NOT NULL,
    PRIMARY KEY (replay, last)
) WITHOUT ROWID;

-- What makes a delivery one of a replay. Its 168 hours count from `at_ms`. `state` is null until
-- the job has counted what became of it.
CREATE TABLE delivery_replay (
    delivery INTEGER PRIMARY KEY, replay INTEGER NOT NULL, event INTEGER NOT NULL,
    webhook INTEGER NOT NULL, again INTEGER NOT NULL, at_ms INTEGER NOT NULL, state INTEGER
);
CREATE INDEX delivery_replay_event ON delivery_replay (event, webhook);
CREATE INDEX delivery_replay_open ON delivery_replay (replay, delivery) WHERE state IS NULL;

-- Who has taken a delivery back.
CREATE TABLE delivery_cancel (
    delivery INTEGER PRIMARY KEY, by TEXT NOT NULL, replay INTEGER
);

-- Retention drops deliveries; what is said of them goes with them.
CREATE TRIGGER delivery_dropped AFTER DELETE ON delivery BEGIN
    DELETE FROM delivery_replay WHERE delivery = old.id;
    DELETE FROM delivery_cancel WHERE delivery = old.id;
END;

-- Where sending is stopped: an org, or 0 for all of them.
CREATE TABLE stop (org INTEGER PRIMARY KEY, by TEXT NOT NULL, since_ms INTEGER NOT NULL);
