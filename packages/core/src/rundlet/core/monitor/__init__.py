"""The shipped monitor: conmon."""
