"""The consumer library in processes of its own: killed, stopped, and without its store of ids."""
