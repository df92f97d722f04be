-- A delivery that is not to be done yet waits: a state of its own, no attempt that has failed. What is
-- unfinished is asked by name: the numbers of states have no order.

-- What a delivery of state 7 waits for; of another state, what it has waited for at last. And how
-- often it was looked at and was not to be done yet, and when first.
CREATE TABLE waiting (
    delivery INTEGER PRIMARY KEY, reason TEXT NOT NULL, detail TEXT NOT NULL, needed TEXT,
    looks INTEGER NOT NULL, since_ms INTEGER NOT NULL
);

-- What waits now goes on: its last attempt was none. Where no other one was made, it has none; else
-- the numbers of the others stay, and the row of before with them.
INSERT INTO waiting (delivery, reason, detail, needed, looks, since_ms)
    SELECT d.id,
        CASE WHEN a.detail LIKE 'It waits for %, which is not done yet.' THEN 'needs'
            WHEN a.detail LIKE 'It is quiet for the customer until %' THEN 'quiet'
            WHEN a.detail LIKE 'It is done at %' THEN 'after' ELSE 'limit' END,
        coalesce(a.detail, ''),
        CASE WHEN a.detail LIKE 'It waits for %, which is not done yet.'
            THEN substr(a.detail, 14, length(a.detail) - 13 - length(', which is not done yet.')) END,
        0, a.started_ms
    FROM delivery d CROSS JOIN attempt a ON a.delivery = d.id AND a.number = d.attempts
    WHERE d.state = 2 AND d.due_ms IS NOT NULL AND a.kind = 'waits';
DROP INDEX delivery_key;
DROP INDEX delivery_due;
DROP INDEX delivery_trouble;
UPDATE delivery SET state = 7 WHERE id IN (SELECT delivery FROM waiting);
UPDATE waiting SET (looks, since_ms) =
        (SELECT count(*), min(a.started_ms) FROM attempt a WHERE a.delivery = waiting.delivery)
    WHERE NOT EXISTS (SELECT 1 FROM attempt a WHERE a.delivery = waiting.delivery
        AND (a.kind IS NULL OR a.kind <> 'waits'));
UPDATE delivery SET attempts = 0, duration_ms = NULL WHERE id IN (SELECT delivery FROM waiting)
    AND NOT EXISTS (SELECT 1 FROM attempt a WHERE a.delivery = delivery.id
        AND (a.kind IS NULL OR a.kind <> 'waits'));
DELETE FROM attempt WHERE kind = 'waits' AND delivery IN
    (SELECT w.delivery FROM waiting w JOIN delivery d ON d.id = w.delivery WHERE d.attempts = 0);
INSERT OR REPLACE INTO touched (block) SELECT DISTINCT delivery >> 12 FROM waiting;

-- Unfinished deliveries of an ordering key.
CREATE INDEX delivery_key ON delivery (webhook, key, id)
    WHERE state IN (0, 1, 2, 7) AND key IS NOT NULL;
-- What a lane does when it is due: retries, and what waits.
CREATE INDEX delivery_due ON delivery (webhook, due_ms) WHERE state IN (2, 7);
-- What went wrong at a webhook, or waits.
CREATE INDEX delivery_trouble ON delivery (webhook, state, id) WHERE state IN (2, 4, 5, 6, 7);
