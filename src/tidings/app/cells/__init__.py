"""What a machine has of an installation with several cells: a process for each, and their host."""
