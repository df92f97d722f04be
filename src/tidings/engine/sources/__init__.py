"""Sources at work: kept, fed, and what they could not bring put aside and tried again."""
