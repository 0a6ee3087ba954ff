"""The conformance kit: a pytest plugin with a suite per extension point."""
