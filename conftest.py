"""Fixtures for all packages' tests."""

import signal

from hypothesis import HealthCheck, settings

# Whoever runs this in the background of a shell has SIGINT ignored, and so would what it tests.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The machine may be busy: how long an example takes says nothing.
settings.register_profile(
    "busy", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("busy")

pytest_plugins = ["devtools.fixtures", "devtools.tool", "devtools.peers"]
