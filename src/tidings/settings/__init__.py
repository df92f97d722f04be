"""What an operator can set: declared, read from its sources, and refused where it does not fit.

Each setting has one name in three spellings: `port` in the file, `TIDINGS_PORT` in the environment
and, for the few that have one, `--port` on the command line. Later sources win: the defaults, the
TOML file, the environment, the command line. A name that nobody knows is refused, because a
misspelt limit that is silently ignored is found out in an incident.
"""
