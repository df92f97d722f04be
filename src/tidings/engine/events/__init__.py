"""Events in: checked, accepted, committed in groups, and told to whoever listens."""
