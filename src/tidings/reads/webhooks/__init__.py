"""How webhooks fare and what they missed; what one would get, and what came of a test message."""
