"""Thin, typed access to what the kernel offers and Python 3.11 lacks."""
