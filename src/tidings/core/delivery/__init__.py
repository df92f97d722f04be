"""One event for one webhook: states, outcomes, retries, lanes, and how receivers do."""
