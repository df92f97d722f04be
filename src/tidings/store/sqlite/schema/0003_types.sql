-- Event types that orgs declare themselves: every version, so that webhooks can stay on an old one.
CREATE TABLE event_type (
    org INTEGER NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL,
    declaration BLOB NOT NULL, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL,
    PRIMARY KEY (org, name, version)
) WITHOUT ROWID;
