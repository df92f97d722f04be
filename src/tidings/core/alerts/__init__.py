"""Alerts: who hears of incidents outside of Tidings, when, and in which words."""
