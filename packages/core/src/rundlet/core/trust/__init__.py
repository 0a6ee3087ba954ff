"""Which images are to be trusted: signatures of images, made and checked."""
