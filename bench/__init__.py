"""Measurements of the platform; `python -m bench` runs them all."""
