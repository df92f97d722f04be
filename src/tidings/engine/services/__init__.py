"""Each subject of the engine as a whole: composed of what it needs, it hands out its services."""
