-- For whom, or what, an action was done, and when: as long as its cap looks back.

CREATE TABLE cap_use (
    webhook INTEGER NOT NULL, subject BLOB NOT NULL, delivery INTEGER NOT NULL,
    at_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL,
    PRIMARY KEY (webhook, subject, delivery)
) WITHOUT ROWID;
CREATE INDEX cap_use_until ON cap_use (until_ms);
