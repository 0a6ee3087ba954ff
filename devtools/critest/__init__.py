"""Kubernetes' own tests of a CRI server, run against ours."""
