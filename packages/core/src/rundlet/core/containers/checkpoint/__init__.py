"""Containers are written to files and go on from them, by CRIU (podman-checkpoint(1))."""
