-- Test inboxes: receiving addresses inside the service, and what arrived there.
CREATE TABLE inbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT, org INTEGER NOT NULL, token TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL, answer BLOB NOT NULL, created_ms INTEGER NOT NULL, used_ms INTEGER NOT NULL
);
CREATE TABLE arrival (
    number INTEGER PRIMARY KEY AUTOINCREMENT, inbox INTEGER NOT NULL, at_ms INTEGER NOT NULL,
    method TEXT NOT NULL, headers BLOB NOT NULL, body BLOB NOT NULL, size INTEGER NOT NULL,
    verdict TEXT NOT NULL, reason TEXT NOT NULL, status INTEGER NOT NULL
);
CREATE INDEX arrival_inbox ON arrival (inbox, number);
