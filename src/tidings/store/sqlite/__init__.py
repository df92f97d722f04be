"""The embedded store: SQLite, in two processes of its own, one that writes and one that reads."""
