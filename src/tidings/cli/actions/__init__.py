"""The commands of actions: a file of them begun from a recipe, and looked through."""
