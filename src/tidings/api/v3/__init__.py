"""`/v3`: the original's calls, in its shapes and with its statuses, and what it lacks."""
