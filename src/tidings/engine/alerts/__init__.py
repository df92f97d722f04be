"""Alert channels: kept, and sent what becomes of incidents."""
