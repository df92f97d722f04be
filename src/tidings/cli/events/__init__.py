"""The commands of events: types, the log, sending, the live tail."""
