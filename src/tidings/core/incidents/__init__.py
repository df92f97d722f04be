"""Incidents: when one opens, grows, changes its cause and ends."""
