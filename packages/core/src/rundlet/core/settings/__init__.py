"""Configuration files and variables, made into one immutable snapshot."""
