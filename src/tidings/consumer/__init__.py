"""What a brand uses to receive events. Imports nothing of the server."""
