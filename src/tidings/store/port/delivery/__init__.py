"""Deliveries in the store: rows, what is unfinished, the log and its totals, health, stops."""
