-- Where the time of an attempt went before its request was sent: JSON, [name, connection, TLS] in
-- milliseconds, null for what was not needed.
ALTER TABLE attempt ADD COLUMN timings BLOB;
