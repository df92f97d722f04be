"""The page of the store in PostgreSQL is true."""
