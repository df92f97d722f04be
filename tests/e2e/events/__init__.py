"""Events in: what is taken and refused, by which name it is heard, and in what order it goes."""
