"""Programs of `make docs` and `make models`: they write what is made from the code."""
