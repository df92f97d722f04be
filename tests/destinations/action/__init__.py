"""Tests of the driver of actions."""
