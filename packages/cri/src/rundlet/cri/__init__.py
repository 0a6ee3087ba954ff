"""The Kubernetes Container Runtime Interface on the Rundlet engine."""

__version__ = "0.1.0"
