"""Fixtures for all packages' tests."""

pytest_plugins = ["devtools.fixtures", "devtools.tool", "devtools.peers"]
