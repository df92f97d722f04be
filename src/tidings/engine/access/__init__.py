"""Who may come in: credentials, people, sessions, portals, and guards against guessing."""
