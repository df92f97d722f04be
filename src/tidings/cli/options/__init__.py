"""Options of commands: what is written in them, and those that are made from declarations."""
