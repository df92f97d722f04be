-- Which installation this is: made once, and kept when the program is changed.
CREATE TABLE installation (id TEXT NOT NULL);
INSERT INTO installation VALUES (lower(hex(randomblob(8))));

-- Up to where the partitions of topics are read: the offset that is next. Partition -1 stands for the
-- topic: the source has met it, so what appears in it later is read from its beginning.
CREATE TABLE source_place (
    source INTEGER NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL,
    cluster TEXT NOT NULL, topic_id TEXT NOT NULL, offset INTEGER NOT NULL,
    PRIMARY KEY (source, topic, partition)
) WITHOUT ROWID;

-- How many messages a source has brought by the minute, of the last hour, and when the newest came.
CREATE TABLE source_activity (
    source INTEGER PRIMARY KEY, last_ms INTEGER, minutes BLOB NOT NULL
);

-- Which other installation reads what a source would read; or that the source takes it over.
CREATE TABLE source_owner (
    source INTEGER PRIMARY KEY, place TEXT NOT NULL, installation TEXT NOT NULL,
    takes_over INTEGER NOT NULL
);
