-- Calls with an Idempotency-Key, for a day: found by a digest, answered the same. The answer is sealed.

CREATE TABLE keyed_call (
    place BLOB PRIMARY KEY, org INTEGER NOT NULL, body BLOB NOT NULL, at_ms INTEGER NOT NULL,
    answer BLOB
) WITHOUT ROWID;
CREATE INDEX keyed_call_at ON keyed_call (at_ms);
CREATE INDEX keyed_call_org ON keyed_call (org);
