"""cgroups: what this machine has, and where a container's are."""
