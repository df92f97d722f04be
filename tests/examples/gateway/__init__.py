"""The nginx of examples/gateway, before real services and before a server that keeps every byte."""
