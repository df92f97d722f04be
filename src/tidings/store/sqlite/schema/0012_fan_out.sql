-- Deliveries that are owed: an event matched more webhooks than one transaction makes rows for. A row
-- is a run of neighbouring ids, which were given with the event: `entries` holds the webhook,
-- its version, the ordering key and whether it is parked, for each. What is left of it is the cursor.
CREATE TABLE fan_out (
    first INTEGER PRIMARY KEY, event INTEGER NOT NULL, count INTEGER NOT NULL, entries BLOB NOT NULL
);
