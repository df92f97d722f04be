"""Tests of actions at work."""
