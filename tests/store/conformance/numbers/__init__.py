"""Conformance: the numbers of what a store keeps."""
