"""Shipped network plugins none and host, namespaces, and the networks of an engine."""
