"""Tables of PostgreSQL databases: a message is one row, inserted or changed."""
