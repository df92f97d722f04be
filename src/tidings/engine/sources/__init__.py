"""Sources at work: kept, fed, and what they could not bring set aside and tried again."""
