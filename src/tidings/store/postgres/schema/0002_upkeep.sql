-- What retention needs to take events by the run, and what each table needs to stay short beside it.

-- The way from an event's number to its row of `event_id`. By its hash a row is found at a random page, and only
-- after the event was read and hashed; by this, the rows of neighbours are found together. Numbers rise: an
-- entry goes to the last page, which is in memory.
CREATE INDEX event_id_seq ON event_id (seq);

-- Of most deliveries neither is anything said. One look at a key says so for all that a statement drops.
CREATE OR REPLACE FUNCTION drop_with_delivery() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off AS $$
DECLARE
    low bigint;
    high bigint;
    ids bigint[];
BEGIN
    SELECT min(id), max(id) INTO low, high FROM dropped;
    IF EXISTS (SELECT FROM delivery_replay WHERE delivery BETWEEN low AND high)
        OR EXISTS (SELECT FROM delivery_cancel WHERE delivery BETWEEN low AND high) THEN
        ids := ARRAY(SELECT id FROM dropped);
        DELETE FROM delivery_replay WHERE delivery = ANY (ids);
        DELETE FROM delivery_cancel WHERE delivery = ANY (ids);
    END IF;
    RETURN NULL;
END $$;

-- Autovacuum ------------------------------------------------------------------------------------
-- Left to itself it waits until a fifth of a table is dead. Of a log that is the rows of some days, all at once;
-- of a short table whose rows change with every commit, it is right. `event`, `body`, `event_id`, `delivery`,
-- `touched`, `segment`, `cell`, `slice`, `meta` and `owner` have theirs since they were made.

-- As long as the log, and each row is written twice: as what is begun, and as what came of it; a third time when
-- its answer has become too old. So there are as many dead rows as live ones, and answers are long.
ALTER TABLE attempt SET (
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 10000,
    autovacuum_vacuum_insert_scale_factor = 0.1, autovacuum_analyze_scale_factor = 0.02,
    toast.autovacuum_vacuum_scale_factor = 0.02
);
-- Long rows that go again when their delivery ends. A receiver that has failed for a day leaves a long table.
ALTER TABLE sent SET (autovacuum_vacuum_scale_factor = 0.02, toast.autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE left_out SET (autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE waiting SET (autovacuum_vacuum_scale_factor = 0.02);
-- Each row is changed once, when its delivery has ended, and not in place: an index holds what is open. A page
-- of open ones would read through what it left there.
ALTER TABLE delivery_replay SET (
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.1
);
-- Inserted and never changed; what is old goes a day at a time.
ALTER TABLE audit SET (
    autovacuum_freeze_min_age = 0, autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_insert_scale_factor = 0.1
);
ALTER TABLE rejection SET (
    autovacuum_freeze_min_age = 0, autovacuum_vacuum_scale_factor = 0.05,
    toast.autovacuum_vacuum_scale_factor = 0.05
);
ALTER TABLE event_cell SET (autovacuum_freeze_min_age = 0, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE event_slice SET (autovacuum_freeze_min_age = 0, autovacuum_vacuum_scale_factor = 0.05);
-- All of it is new within hours, days or a month: what was there is dead soon.
ALTER TABLE keyed_call SET (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE cap_use SET (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE arrival SET (autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE aside SET (autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_vacuum_scale_factor = 0.05);
-- Few rows, of which commits, slices of retention, and outcomes of a receiver that fails, change the same ones
-- again and again. With room in its page a change stays there, and PostgreSQL takes the one before away.
ALTER TABLE source_place SET (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
ALTER TABLE keeping SET (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
ALTER TABLE source_activity SET (fillfactor = 50);
ALTER TABLE webhook_health SET (fillfactor = 50);
ALTER TABLE reference_count SET (fillfactor = 50);
-- One row a chain, which each entry changes, and not in place: whether it has grown is indexed.
ALTER TABLE audit_chain SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500);
