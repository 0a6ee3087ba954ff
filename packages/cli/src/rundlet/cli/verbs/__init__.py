"""The verbs of `rundlet`, a module each: declaration and function."""
