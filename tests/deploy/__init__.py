"""How other programs run the service: what the files of `deploy/` and their page say is true."""
