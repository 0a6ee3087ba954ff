"""Shipped OCI runtime drivers."""
