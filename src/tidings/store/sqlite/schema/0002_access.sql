-- Credentials: kinds, expiry, rotation with overlap, limits, last use ---------------------------

ALTER TABLE credential ADD COLUMN kind TEXT NOT NULL DEFAULT 'key';
ALTER TABLE credential ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE credential ADD COLUMN expires_ms INTEGER;
ALTER TABLE credential ADD COLUMN previous BLOB;
ALTER TABLE credential ADD COLUMN previous_until_ms INTEGER;
ALTER TABLE credential ADD COLUMN calls_per_minute REAL;
ALTER TABLE credential ADD COLUMN events_per_s REAL;
ALTER TABLE credential ADD COLUMN created_by TEXT NOT NULL DEFAULT '';
ALTER TABLE credential ADD COLUMN used_ms INTEGER;

-- People ----------------------------------------------------------------------------------------
-- A person is known by an e-mail address and may be a member of several orgs; what an org calls
-- them and lets them do stands in their membership.

CREATE TABLE person (
    id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, password TEXT, created_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE member (
    org INTEGER NOT NULL, person TEXT NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL,
    created_ms INTEGER NOT NULL, created_by TEXT NOT NULL, accepted_ms INTEGER,
    disabled_ms INTEGER, PRIMARY KEY (org, person)
) WITHOUT ROWID;
CREATE INDEX member_person ON member (person);

-- Sign-in ---------------------------------------------------------------------------------------
-- Only digests of tokens are kept. A session belongs to a person or to a credential.

CREATE TABLE session (
    digest BLOB PRIMARY KEY, person TEXT NOT NULL, credential TEXT NOT NULL, proof BLOB NOT NULL,
    created_ms INTEGER NOT NULL, seen_ms INTEGER NOT NULL, address TEXT NOT NULL,
    agent TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX session_seen ON session (seen_ms);

CREATE TABLE link (
    digest BLOB PRIMARY KEY, purpose TEXT NOT NULL, person TEXT NOT NULL, org INTEGER NOT NULL,
    credential TEXT NOT NULL, expires_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX link_expires ON link (expires_ms);
