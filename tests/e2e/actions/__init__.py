"""Actions, from an event that somebody sends to what is done."""
