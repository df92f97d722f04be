"""Deliveries as rows: due, in flight, recovered, and how receivers do."""
