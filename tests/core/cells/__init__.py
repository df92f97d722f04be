"""Cells: families, ranges, the map, placement, and doors."""
