-- Stored transformations: every version stays; one without a template says that it was deleted.
CREATE TABLE transformation (
    org INTEGER NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, template TEXT,
    created_by TEXT NOT NULL, created_ms INTEGER NOT NULL,
    PRIMARY KEY (org, name, version)
) WITHOUT ROWID;

-- What a shaped attempt has sent without being delivered, so that every retry sends the same bytes.
-- A delivery that was never shaped, or was delivered at once, has no row.
CREATE TABLE sent (delivery INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
