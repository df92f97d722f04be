"""What the processes of a store in PostgreSQL do with their connections."""
