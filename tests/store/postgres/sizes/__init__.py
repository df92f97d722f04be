"""How many bytes an event takes in PostgreSQL, measured and documented."""
