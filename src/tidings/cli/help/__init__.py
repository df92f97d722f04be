"""Help and the pages that are made of it: from the commands, the settings, and slips."""
