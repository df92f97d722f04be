-- Which blocks of 4,096 neighbouring deliveries have changed since they were full: a block that is
-- touched again gets a greater mark. Summaries of blocks (blocks.py) are made anew by it.
CREATE TABLE touched (mark INTEGER PRIMARY KEY, block INTEGER NOT NULL UNIQUE);
CREATE TRIGGER touched_dropped AFTER DELETE ON delivery
BEGIN
    INSERT OR REPLACE INTO touched (block) VALUES (old.id >> 12);
END;
