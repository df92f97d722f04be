-- Saved views: the filters and the order of a list under a name, of whoever signs in (a person or a credential), in an org.
CREATE TABLE saved_view (
    org INTEGER NOT NULL, owner TEXT NOT NULL, id TEXT NOT NULL, list TEXT NOT NULL, name TEXT NOT NULL,
    query TEXT NOT NULL, created_ms INTEGER NOT NULL, revision INTEGER NOT NULL,
    PRIMARY KEY (org, owner, id)
) WITHOUT ROWID;
CREATE INDEX saved_view_owner ON saved_view (owner);
