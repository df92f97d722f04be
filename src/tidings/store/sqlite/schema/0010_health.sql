-- How the receiver of a webhook does; none where it is well.
CREATE TABLE webhook_health (
    webhook INTEGER PRIMARY KEY, failing_since_ms INTEGER, failures INTEGER NOT NULL,
    cause TEXT NOT NULL, opens INTEGER NOT NULL, until_ms INTEGER NOT NULL, told INTEGER NOT NULL
);
