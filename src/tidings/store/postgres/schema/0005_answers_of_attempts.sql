-- Answers by status are counted of all attempts: `answers` has the last one of each delivery, `earlier` those before it.
-- Null where an earlier release has made the slice: its block is summarised again.
ALTER TABLE slice ADD COLUMN earlier bytea;
-- Of what replays have sent again: how much counts as arrived, and how much as failed or parked, of events that are
-- counted by an earlier delivery already. Null as above.
ALTER TABLE slice ADD COLUMN arrived_again bigint;
ALTER TABLE slice ADD COLUMN failed_again bigint;
