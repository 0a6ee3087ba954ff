"""Secrets: rows here, values in a secret driver."""
