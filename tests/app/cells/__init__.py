"""The processes of a machine that owns several cells."""
