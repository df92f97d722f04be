"""The rules at work: asyncio over ports, from accept to settle, and all that runs beside it."""
