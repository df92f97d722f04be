"""What is of the embedded store alone: plans, files, processes, power cuts, logs row by row."""
