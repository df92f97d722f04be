"""Portals: links that open the console inside another product, who made them, and what is open."""
