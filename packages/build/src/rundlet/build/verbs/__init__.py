"""The verbs of `rundlet-build`, a module each."""
