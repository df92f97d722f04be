"""The pages of the store in PostgreSQL, and of more than one process does, are true."""
