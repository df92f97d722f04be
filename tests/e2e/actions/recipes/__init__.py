"""The recipes of `tidings actions init`, each in a real service, with its own files."""
