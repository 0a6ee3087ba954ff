"""CNI networks for the Rundlet engine."""

__version__ = "0.1.0"
