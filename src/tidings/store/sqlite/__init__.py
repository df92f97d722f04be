"""The embedded store: SQLite, in a process of its own."""
