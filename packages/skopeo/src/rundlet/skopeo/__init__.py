"""skopeo's command line on the Rundlet engine."""

__version__ = "0.1.0"
