"""Pod sandboxes."""
