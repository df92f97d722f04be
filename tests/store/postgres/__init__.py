"""Tests of the store in PostgreSQL, against a real server."""
