"""Attempts that hang, of every type of webhook, beside one that is well."""
