"""Tidings: event notification for loyalty and CRM platforms."""

__version__ = "0.1.0"
