-- Answers by status are counted of all attempts: `answers` has the last one of each delivery, `earlier` those before it.
-- Null where an earlier release has made the slice: its block is summarised again.
ALTER TABLE slice ADD COLUMN earlier bytea;
