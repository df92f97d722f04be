"""How webhooks fare, in numbers; what one would get, and what came of a test message."""
