"""Carrying a Containerfile out: stages, steps, the cache of steps, and what is made of them."""
