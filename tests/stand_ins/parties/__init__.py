"""The third parties, one module each; what each refuses and how stands in `docs/contract/`."""
