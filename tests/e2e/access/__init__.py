"""Who may come in, and what is shown to nobody who should not see it."""
