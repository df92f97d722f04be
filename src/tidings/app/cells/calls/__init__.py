"""Whose a call is where there are several cells: by its head or body, the map, the directory."""
