"""The guarded way out: the HTTP client of attempts and look-ups, and the mail client."""
