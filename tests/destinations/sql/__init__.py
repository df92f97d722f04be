"""Rows of a real PostgreSQL server."""
