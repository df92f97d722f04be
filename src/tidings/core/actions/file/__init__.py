"""The file of actions: read whole, with everything that is wrong in it told by its place."""
