"""Stationmaster: an API platform that works its own runbooks."""

__version__ = "0.1.0"
