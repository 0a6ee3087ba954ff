"""Manifest lists (buildah-manifest(1)), pushed and elsewhere; `core/images/lists.py` keeps them."""
