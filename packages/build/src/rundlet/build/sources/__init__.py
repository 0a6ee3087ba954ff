"""Source images: OCI artifacts of what an image was built from."""
