"""The charts of pages: their numbers, the ticks of their axes, and the pictures of them."""
