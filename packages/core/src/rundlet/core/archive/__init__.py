"""Tar streams of layers: our own reader, safe extraction, generation."""
