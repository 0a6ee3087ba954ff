"""Rows of lists: their fields for `--format`, filters and sorting."""
