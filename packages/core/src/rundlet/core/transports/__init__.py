"""Shipped image transports, a module or folder each."""
