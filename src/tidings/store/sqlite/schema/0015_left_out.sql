-- What enrichment left out of deliveries that were sent thin, because the platform did not answer:
-- JSON, [fields of the webhook, why, older]. One row for a delivery, of its first recorded attempt:
-- the others send the same bytes. A delivery that lacks nothing has no row.
CREATE TABLE left_out (delivery INTEGER PRIMARY KEY, said BLOB NOT NULL);
