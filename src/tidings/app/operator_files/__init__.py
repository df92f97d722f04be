"""What the operator writes in files, read at the start: connections, sources, actions."""
