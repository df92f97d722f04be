"""The outbox of a PostgreSQL application: a table that it writes to in its own transactions."""
