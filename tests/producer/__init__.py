"""The library of those who send: over HTTP, from a spool on the disk, and by an outbox."""
