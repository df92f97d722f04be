"""The benchmark of Tidings (`python -m bench`): figures against a yardstick, runs with a ledger."""
