-- Where events come from that nobody sends to /v1/events, and the messages of which no event could be
-- made. What a source is set to is sealed: it holds the secrets that its senders are known by.

CREATE TABLE source (
    number INTEGER PRIMARY KEY AUTOINCREMENT, org INTEGER NOT NULL, name TEXT NOT NULL,
    sealed BLOB NOT NULL, created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL,
    UNIQUE (org, name)
);
CREATE TABLE aside (
    number INTEGER PRIMARY KEY AUTOINCREMENT, source INTEGER NOT NULL, at_ms INTEGER NOT NULL,
    place TEXT NOT NULL, code TEXT NOT NULL, reason TEXT NOT NULL, field TEXT NOT NULL,
    headers BLOB NOT NULL, body BLOB NOT NULL
);
CREATE INDEX aside_source ON aside (source, number);
