"""End to end: the real program in its own process, receivers in theirs, real sockets."""
