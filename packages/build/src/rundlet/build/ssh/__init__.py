"""Agents for `RUN --mount=type=ssh`: what `--ssh` names, and the socket that a command sees."""
