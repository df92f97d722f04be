-- Webhooks that have to be disabled because of how an attempt ended, written with its outcome; and
-- disabled ones whose owner has not been told yet.
CREATE TABLE disabling (webhook INTEGER PRIMARY KEY, version INTEGER NOT NULL, reason TEXT NOT NULL);

-- How long a receiver has been failing, in time that has passed while the service ran.
ALTER TABLE webhook_health ADD COLUMN failing_ms INTEGER NOT NULL DEFAULT 0;

-- Leaps of the wall clock that were followed: the accept of the deliveries above `after_id`, up to
-- `upto`, lies that much later by today's dates.
CREATE TABLE leap (
    upto INTEGER NOT NULL, after_id INTEGER NOT NULL, by_ms INTEGER NOT NULL,
    PRIMARY KEY (upto, after_id)
) WITHOUT ROWID;
