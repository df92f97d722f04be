"""What every call passes, whatever it asks for: bodies, headers, origins, probes, refusals."""
