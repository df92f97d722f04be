"""Sources: where events come from that nobody sends to `/v1/events`. What each is set to, how its
messages become events, and how an inbound webhook knows its sender."""
