"""Filters: which events a webhook gets by what is in them, at what cost, and how it is said."""
