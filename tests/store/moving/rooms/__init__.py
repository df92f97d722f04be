"""What the rooms of a store do when a family arrives or has gone."""
