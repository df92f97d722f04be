"""Where a call waits on its way to its 202, by phases, in the main process and in the writer."""
