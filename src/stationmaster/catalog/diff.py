"""Decides what a new declaration changes."""
