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
