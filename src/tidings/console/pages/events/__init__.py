"""The pages of events: the feed, the catalogue, what was refused, the live tail."""
