"""Connections: what their types are declared as."""
