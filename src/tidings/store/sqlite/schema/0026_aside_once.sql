-- A message that comes again is put aside once. What it is known by is null for those that were put aside
-- before: each of these stays a row of its own.

ALTER TABLE aside ADD COLUMN known_by BLOB;
ALTER TABLE aside ADD COLUMN times INTEGER NOT NULL DEFAULT 1;
CREATE UNIQUE INDEX aside_known ON aside (source, known_by);
