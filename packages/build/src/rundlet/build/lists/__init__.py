"""Manifest lists of the local store (buildah-manifest(1)): kept, changed, pushed."""
