"""containerd's shim v2 protocol: how runtimes that are a process of their own are spoken to."""
