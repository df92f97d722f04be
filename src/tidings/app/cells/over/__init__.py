"""What is over all cells: asked of their owners, answered to them, and in force in each."""
