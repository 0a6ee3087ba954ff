"""Exec, attach and port-forward: the engine's end of what the streaming server serves."""
