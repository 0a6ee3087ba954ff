"""The ImageService."""
