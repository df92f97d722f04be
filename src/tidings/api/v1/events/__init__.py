"""Events in, the log of what came, event types, and the live stream."""
