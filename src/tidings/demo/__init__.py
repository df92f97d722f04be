"""The demonstration: the main job on one machine, from the public API to receivers of its own."""
