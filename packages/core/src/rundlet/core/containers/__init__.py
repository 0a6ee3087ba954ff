"""Containers: a module per step of their life, over rows, drivers and the monitor."""
