"""What actions do: a call, a mail, a row or a record, over the drivers of their kinds."""
