"""What is over all cells: asked of the owner of each, and put together."""
