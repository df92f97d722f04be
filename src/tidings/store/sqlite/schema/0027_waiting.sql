-- A delivery that is not to be done yet waits: a state of its own, no attempt that has failed. What is
-- unfinished is asked by name: the numbers of states have no order.

-- What a delivery of state 7 waits for; of another state, what it has waited for at last. And how
-- often it was looked at and was not to be done yet, and when first.
CREATE TABLE waiting (
    delivery INTEGER PRIMARY KEY, reason TEXT NOT NULL, detail TEXT NOT NULL, needed TEXT,
    looks INTEGER NOT NULL, since_ms INTEGER NOT NULL
);

-- What waits now goes on: its last attempts were none, and their rows and numbers go. Those before an
-- attempt that was made stay, for its number is known.
CREATE TEMP TABLE waits AS
    SELECT d.id, coalesce((SELECT max(made.number) FROM attempt made WHERE made.delivery = d.id
        AND made.kind IS NOT 'waits'), 0) AS made, coalesce(a.detail, '') AS detail
    FROM delivery d CROSS JOIN attempt a ON a.delivery = d.id AND a.number = d.attempts
    WHERE d.state = 2 AND d.due_ms IS NOT NULL AND a.kind = 'waits';
INSERT INTO waiting (delivery, reason, detail, needed, looks, since_ms)
    SELECT w.id,
        CASE WHEN w.detail LIKE 'It waits for %, which is not done yet.' THEN 'needs'
            WHEN w.detail LIKE 'It is quiet for the customer until %' THEN 'quiet'
            WHEN w.detail LIKE 'It is done at %' THEN 'after' ELSE 'limit' END,
        w.detail,
        CASE WHEN w.detail LIKE 'It waits for %, which is not done yet.'
            THEN substr(w.detail, 14, length(w.detail) - 13 - length(', which is not done yet.')) END,
        count(*), min(a.started_ms)
    FROM waits w CROSS JOIN attempt a ON a.delivery = w.id AND a.number > w.made GROUP BY w.id;
DROP INDEX delivery_key;
DROP INDEX delivery_due;
DROP INDEX delivery_trouble;
UPDATE delivery SET state = 7, status = NULL, duration_ms = NULL,
        attempts = (SELECT made FROM waits WHERE waits.id = delivery.id)
    WHERE id IN (SELECT id FROM waits);
DELETE FROM attempt WHERE (delivery, number) IN
    (SELECT a.delivery, a.number FROM waits w CROSS JOIN attempt a
        ON a.delivery = w.id AND a.number > w.made);
DROP TABLE waits;
INSERT OR REPLACE INTO touched (block) SELECT DISTINCT delivery >> 12 FROM waiting;

-- Unfinished deliveries of an ordering key. A list of more than two would be looked up in a table by
-- each write.
CREATE INDEX delivery_key ON delivery (webhook, key, id)
    WHERE key IS NOT NULL AND (state = 0 OR state = 1 OR state = 2 OR state = 7);
-- What a lane does when it is due: retries, and what waits.
CREATE INDEX delivery_due ON delivery (webhook, due_ms) WHERE state IN (2, 7);
-- What went wrong at a webhook, or waits.
CREATE INDEX delivery_trouble ON delivery (webhook, state, id)
    WHERE (state = 2 OR state = 4 OR state = 5 OR state = 6 OR state = 7);
