"""Actions: the file, and what is decided of them."""
