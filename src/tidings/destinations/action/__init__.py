"""What actions do: a call, a mail, a row, a record or events, over the drivers of their kinds."""
