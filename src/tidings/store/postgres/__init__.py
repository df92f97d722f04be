"""The store in PostgreSQL: one schema of a database, for who keeps state there already."""
