"""Finding, loading and choosing drivers; calling hooks."""
