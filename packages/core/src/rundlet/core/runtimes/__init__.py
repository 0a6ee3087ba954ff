"""Shipped OCI runtimes: one family, a module per runtime."""
