"""The service itself: its parts must show that they work, and who does not is told of."""
