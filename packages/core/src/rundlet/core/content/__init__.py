"""Blobs by digest: verified, stored, compressed."""
