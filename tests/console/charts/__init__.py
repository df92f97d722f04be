"""The charts of pages: their ticks, and the picture that is drawn of them."""
