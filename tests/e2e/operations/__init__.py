"""The service as its operator runs it: installed, started, stopped, backed up, short of room."""
