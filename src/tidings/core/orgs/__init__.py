"""An org: what it is called, what it may set, and how long what is its own is kept."""
