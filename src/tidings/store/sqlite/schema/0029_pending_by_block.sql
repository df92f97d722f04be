-- What lanes read, by blocks of 4,096 neighbouring deliveries: so what a commit adds stands side by side. By
-- webhook alone, an event with many of them wrote a page for each.

DROP INDEX delivery_pending;
CREATE INDEX delivery_pending ON delivery (id >> 12, webhook, id) WHERE state = 0;
