"""Drills in which the control plane is killed at random moments, and what has to be true after each: `make kills`."""
