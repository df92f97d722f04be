"""The rules, pure: no IO, no clock, no asyncio. Time and randomness are passed in."""
