-- How far each group of orgs with the same retention has come. `members` tells a changed group from
-- the one that the place was reached for. The place is an event's number, or, of answers, the time,
-- delivery and number of an attempt.
CREATE TABLE keeping (
    kind INTEGER NOT NULL, days INTEGER NOT NULL, members BLOB NOT NULL,
    at INTEGER NOT NULL, delivery INTEGER NOT NULL, number INTEGER NOT NULL,
    PRIMARY KEY (kind, days)
) WITHOUT ROWID;

-- Events that were older than their retention when it passed by, and not finished.
CREATE TABLE kept_back (
    kind INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (kind, seq)
) WITHOUT ROWID;

-- The numbers that must not be given again although their rows are gone, and the time of dropping.
INSERT INTO meta VALUES ('seq_floor', 0), ('delivery_floor', 0), ('dropped_ms', 0);

-- Answers by age. A plain success leaves no row here.
CREATE INDEX attempt_answer ON attempt (started_ms, delivery, number)
    WHERE headers IS NOT NULL AND kind IS NULL;
