"""Shipped storage drivers, and the layers over them."""
