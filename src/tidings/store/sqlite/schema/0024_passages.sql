-- How an event came that has been through Tidings before, or came by a source: hops and doors, as its
-- messages pass them on. Null for what a call has brought for the first time, which is nearly all.

ALTER TABLE event ADD COLUMN passage TEXT;
ALTER TABLE rejection ADD COLUMN passage TEXT;

-- Since when messages say how often their event has been through: what was sent before is shown
-- without. 0 in a new store.
INSERT INTO meta SELECT 'hops_since_ms', CASE WHEN EXISTS (SELECT 1 FROM event)
    THEN CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) ELSE 0 END;
