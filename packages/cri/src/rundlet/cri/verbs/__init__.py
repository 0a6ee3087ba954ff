"""The verbs of `rundlet-cri`, a module each."""
