-- People: several of one e-mail address, each invited by an org of their own ----------------------
-- SQLite takes no constraint away, so the table is made again.

CREATE TABLE person_fresh (
    id TEXT PRIMARY KEY, email TEXT NOT NULL, password TEXT, created_ms INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO person_fresh SELECT id, email, password, created_ms FROM person;
DROP TABLE person;
ALTER TABLE person_fresh RENAME TO person;
