"""The map's store: rows that two databases keep, and how each of them is opened."""
