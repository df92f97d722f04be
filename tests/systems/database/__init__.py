"""Services whose store is a real PostgreSQL: several of them, behind a balancer or a pooler, by
TLS."""
