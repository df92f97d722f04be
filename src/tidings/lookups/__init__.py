"""Where actions look things up: the port of look-ups, and an adapter for each kind of them."""
