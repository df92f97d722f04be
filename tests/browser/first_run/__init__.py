"""The first run in the console: from signing in to the first delivered event."""
