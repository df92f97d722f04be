"""Actions at work: what one waits for, what it looks up, and what it makes of an event."""
