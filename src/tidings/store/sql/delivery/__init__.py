"""What is beside the rows of deliveries: attempts in flight, recovery, fan-outs, health.

The rows themselves are written by `writer.py` and read by `queries.py`, beside this folder.
"""
