"""What a webhook is, what it may ask for, and which webhooks an event is for."""
