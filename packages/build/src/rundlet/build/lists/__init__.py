"""Manifest lists that are not of the store; `core/images/lists.py` keeps those that are."""
