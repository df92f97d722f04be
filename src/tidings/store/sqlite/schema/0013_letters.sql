-- Letters to the owners of webhooks that the mail server has not taken yet.
CREATE TABLE letter (
    id TEXT PRIMARY KEY, org INTEGER NOT NULL, kind TEXT NOT NULL, fact BLOB NOT NULL,
    due_ms INTEGER NOT NULL, tries INTEGER NOT NULL
) WITHOUT ROWID;
