"""What an engine and its machine are: the document of `info` (podman-info(1))."""
