"""One file for each figure: a `run(options)` that measures and gives the rows of the table."""
