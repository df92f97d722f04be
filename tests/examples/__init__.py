"""The recipes of examples/, run as they are written."""
