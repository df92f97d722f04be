"""Sources at work while everything is killed: short as tests, long by `python -m bench sources`."""
