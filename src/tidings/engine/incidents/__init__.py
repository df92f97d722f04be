"""Incidents at work: seen at reviews, kept in the store, and told to who is to hear of them."""
