"""Actions: what each is and how it does, and what came of one run of it."""
