"""Containers of pods."""
