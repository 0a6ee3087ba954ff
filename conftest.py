"""Fixtures for all packages' tests."""

from hypothesis import HealthCheck, settings

# The machine may be busy: how long an example takes says nothing.
settings.register_profile(
    "busy", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("busy")

pytest_plugins = ["devtools.fixtures", "devtools.tool", "devtools.peers"]
