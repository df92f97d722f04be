"""Who may come in: credentials, people, portals."""
