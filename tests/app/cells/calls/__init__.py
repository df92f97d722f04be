"""Calls at the wrong process of an installation with several cells."""
