"""What must not change while the code is moved: lists, and a data directory that is taken up."""
