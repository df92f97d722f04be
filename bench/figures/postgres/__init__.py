"""Figures of the store in PostgreSQL."""
