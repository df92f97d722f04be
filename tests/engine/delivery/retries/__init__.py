"""Tries to come, of one delivery and of all that wait."""
