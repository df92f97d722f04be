"""Actions: what a brand does when it is told of an event, declared in a file."""
