"""A thousand cells under their protocol: small stores, processes that die, freeze, are cut off from
the map or their databases, clocks adrift, families that move, and calls through doors with stale
maps. `python -m tests.simulation.cells FIRST COUNT` runs seeds.

1 nothing is owned twice · 2 nothing is accepted or sent by who does not own it · 3 nothing that was
acknowledged is lost · 4 nothing is accepted twice under a repeated key · 5 a number is given once,
and of a family's the later ones are greater · 6 in the end each family is in exactly one cell
"""
