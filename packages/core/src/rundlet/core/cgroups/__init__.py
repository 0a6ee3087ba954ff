"""What this machine's cgroups are, and paths in them."""
