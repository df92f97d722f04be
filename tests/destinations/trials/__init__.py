"""Destinations whose server is restarted while messages go there: as tests and as figures."""
