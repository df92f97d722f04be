"""Where the CPU time of a service goes, by phases of the way of an event."""
