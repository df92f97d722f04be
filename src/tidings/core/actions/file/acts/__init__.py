"""What an action does, as its file says it: a mail, a call, a row, a record or events."""
